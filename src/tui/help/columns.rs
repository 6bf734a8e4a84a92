//! The headings of the columns, in the order of the alphabet, with what stands below them.

/// Headings with their meanings; a heading that several panes have is explained once.
pub(super) const COLUMNS: &[(&str, &str)] = &[
    (
        "#",
        "in Transfers: number of the transfer, which `cancel` and `segments` take, and its direction; in Segments: number of the segment in its file",
    ),
    ("address", "in Nodes: address of the node in the virtual network; in Services: where other programs reach the service"),
    ("best, worst", "in Health: shortest and longest round trip of the client's last ten probes, in ms"),
    ("client to", "in Health: host that the client's probes ask; the figures beside it are of the last ten"),
    ("clients", "in Services: connections of other programs that are open"),
    ("conn", "in Nodes: number of connections that the node has"),
    (
        "done",
        "in Transfers: share of the bytes that has arrived, which is 100 % only once all is stored; of a transfer that was given up, what had arrived until then; in Segments: segments of the node that are done, of all",
    ),
    ("ends", "in Wire: host that sends and host that receives"),
    ("fate", "in Wire: what became of the packet: lost and why, sent again, a copy; nothing where it has arrived and was new"),
    ("fault", "in Nodes: what is broken on purpose at the node and on its paths, and since when"),
    ("file", "in Transfers: name of the stored file, and the node that carries the transfer, or the step that waits"),
    ("flight", "in Wire: packets of the end that has opened the connection that are in flight"),
    ("for", "in Segments: time since the oldest segment that is not done was sent or queued"),
    ("from", "in Wire: host that has opened the connection, where nodes carry transfers; the figures are of its end"),
    (
        "full",
        "in Nodes: share of the capacity of the node's disk that is used; the colour of warnings at 80 %, of errors from 95 % on",
    ),
    ("health", "in Nodes: ALIVE, SUSPECT or DEAD; in Files: if the file can be read at the moment, or which nodes it lacks"),
    ("in, out", "in Services: bytes that have arrived from clients, and that were sent to them, as on the socket"),
    ("kind", "in Wire: what the packet is: SYN, DATA, ACK and so on"),
    ("len", "in Wire: bytes of payload in the packet"),
    (
        "link load",
        "in Nodes: bytes up and down in each of the latest seconds, as levels of what the link carries; from half of it on the colour goes over to that of warnings, which a full link has",
    ),
    ("name", "in Files: name of the file; / stands behind that of a directory"),
    (
        "node",
        "name of the node, with the glyph of its health; in Segments: node that stores the segment; in Wire: node at the other end of the connection; in Services: node whose server it is, none of the whole network",
    ),
    ("on nodes", "in Files: how many segments of the file lie on each node"),
    ("over time", "in Segments: what became of the segment, or what the node has done, from left to right, on the axis below"),
    ("phase", "in Wire: phase of loss recovery of the end that has opened the connection"),
    ("ports", "in Wire: ports of the sender and of the receiver"),
    ("progress", "in Transfers: bar of what is stored and of what has arrived"),
    ("queue", "packets that wait to cross a link; in Nodes and Wire: those in both directions of the node's link"),
    (
        "rate",
        "in Transfers: bytes of the file in a second, over the last ten whole seconds; none in its first one; `avg` over all of it once it is done or parked; in Segments: bytes of the segment over the time beside them",
    ),
    ("refused", "in Services: connections and requests that were refused, by reason"),
    ("requests", "in Services: requests of clients that have begun"),
    (
        "resent",
        "in Transfers: packets with bytes of the file that were sent again; in Wire: share of all packets, last ten seconds",
    ),
    ("round trip", "in Wire: smoothed round-trip time of the end that has opened the connection (RFC 6298)"),
    (
        "rtx",
        "in Segments: packets with bytes of the segment that were sent again; of a node those to or by it, also of segments that other nodes have got since; together those of the transfer",
    ),
    ("segment", "in Segments: oldest segment of the node that is not done"),
    ("segments", "in Files: number of segments of the file"),
    ("seq", "in Wire: position of the packet's first byte in the stream of its connection"),
    ("service", "in Services: what other programs are served by: grpc or ssh, with SFTP"),
    ("shared with", "in Files: users who may read the file besides its owner"),
    ("size", "bytes of the file"),
    (
        "state",
        "in Nodes: what the process of the node does; in Transfers: how the transfer stands; in Segments: how the segment stands, with the mark of the oldest; in Wire: state of TCP; in Services: open, closing, or stopped with its node",
    ),
    ("stored", "in Nodes: bytes on the disk of the node; in Files: date at which the file was stored"),
    (
        "time",
        "in Wire: instant at which the packet was handed to its link; in Transfers: eta, or until it is durable, or what it took",
    ),
    ("up, down", "bytes in a second that the node sends and receives; in Wire: those to the node and from it"),
];
