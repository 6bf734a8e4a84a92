use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Builder;

use super::guest::reason;
use super::*;

const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Longest time for which a test waits.
const DEADLINE: Duration = Duration::from_secs(30);
/// Time that has passed before anybody notices.
const SOON: Duration = Duration::from_millis(20);
/// Time that never passes in a test.
const LATE: Duration = Duration::from_secs(3600);

fn on_a_runtime(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(DEADLINE, test).await.unwrap() });
}

fn limits(connections: usize, of_one_address: usize) -> Limits {
    Limits { connections, of_one_address, until_request: LATE, silence: LATE }
}

fn book(limits: Limits) -> Arc<Book> {
    Arc::new(Book::new("a test", LOCAL, limits, 7))
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

/// Takes a client in by a door of its own.
fn admit(book: &Arc<Book>, last: u8) -> Result<Guest, &'static str> {
    Guest::admit(book, &book.add_door(LOCAL), address(last))
}

#[test]
fn places_are_counted_in_all_and_by_address_and_come_free() {
    let book = book(limits(3, 2));
    let admit = |last| admit(&book, last);
    let (first, second) = (admit(1).unwrap(), admit(1).unwrap());
    assert_eq!(admit(1).unwrap_err(), reason::FULL_FOR_ADDRESS);
    let third = admit(2).unwrap();
    assert_eq!(admit(3).unwrap_err(), reason::FULL);
    let clone = first.clone();
    drop(first);
    assert_eq!(admit(3).unwrap_err(), reason::FULL, "a clone holds the place");
    drop(clone);
    let fourth = admit(1).unwrap();
    let figures = book.figures();
    assert_eq!((figures.clients, figures.connections), (3, 4));
    assert_eq!(figures.refusals, Refusals::from([(reason::FULL, 2), (reason::FULL_FOR_ADDRESS, 1)]));
    drop((second, third, fourth));
    assert_eq!(book.figures().clients, 0);
}

#[test]
fn a_stream_counts_its_bytes() {
    on_a_runtime(async {
        let book = book(limits(1, 1));
        let (mut client, server) = duplex(64);
        let mut server = Guarded::new(server, admit(&book, 1).unwrap());
        client.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        server.read_exact(&mut heard).await.unwrap();
        server.write_all(b"good bye").await.unwrap();
        let figures = book.figures();
        assert_eq!((figures.bytes_in, figures.bytes_out), (5, 8));
    });
}

/// Also a client that sends a byte now and then has so much time for its first request and no more.
#[test]
fn a_stream_without_a_request_ends() {
    on_a_runtime(async {
        for drips in [false, true] {
            let book = book(Limits { until_request: SOON, ..limits(1, 1) });
            let (mut client, server) = duplex(64);
            let mut server = Guarded::new(server, admit(&book, 1).unwrap());
            let error = loop {
                if drips {
                    client.write_all(b".").await.unwrap();
                }
                match server.read_u8().await {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::TimedOut, reason::NO_REQUEST.into()), "{drips}");
            assert_eq!(book.figures().refusals, Refusals::from([(reason::NO_REQUEST, 1)]));
        }
    });
}

/// Nothing that is sent to a client keeps its connection, unless the client takes it.
#[test]
fn a_silent_client_is_cut_whether_it_is_read_from_or_written_to() {
    on_a_runtime(async {
        for writes in [false, true] {
            let book = book(Limits { silence: SOON, ..limits(1, 1) });
            let (_client, server) = duplex(64);
            let guest = admit(&book, 1).unwrap();
            let mut server = Guarded::new(server, guest.clone());
            guest.note_request();
            let error = match writes {
                true => server.write_all(&[0; 65]).await.unwrap_err(),
                false => server.read_u8().await.unwrap_err(),
            };
            assert_eq!(error.to_string(), reason::SILENT, "{writes}");
            assert_eq!(book.figures().requests, 1);
        }
    });
}

/// A client that listens may be silent for as long as it takes what it is sent; when it takes nothing, or no longer listens, it is cut.
#[test]
fn a_client_that_listens_is_cut_only_where_it_takes_nothing() {
    on_a_runtime(async {
        let book = book(Limits { silence: SOON, ..limits(1, 1) });
        let (mut client, server) = duplex(64);
        let guest = admit(&book, 1).unwrap();
        let (mut server, listening) = (Guarded::new(server, guest.clone()), guest.listen());
        guest.note_request();
        for _ in 0..3 {
            let waited = tokio::time::timeout(2 * SOON, server.read_u8()).await;
            assert!(waited.is_err(), "it is there: {waited:?}");
            server.write_all(b"news").await.unwrap();
            client.read_exact(&mut [0; 4]).await.unwrap();
        }
        assert_eq!(server.write_all(&[0; 65]).await.unwrap_err().to_string(), reason::SILENT);
        client.read_exact(&mut [0; 64]).await.unwrap();
        server.write_all(b".").await.unwrap();
        drop(listening);
        assert_eq!(server.read_u8().await.unwrap_err().to_string(), reason::SILENT);
    });
}

/// Serves each connection until its client has gone or the doors close.
async fn echo(mut stream: Guarded<TcpStream>, guest: Guest, mut closing: Closing) {
    guest.note_request();
    let mut buffer = [0; 16];
    loop {
        tokio::select! {
            () = closing.begun() => return,
            read = stream.read(&mut buffer) => match read {
                Ok(count) if count > 0 => stream.write_all(&buffer[..count]).await.unwrap(),
                _ => return,
            },
        }
    }
}

#[test]
fn a_door_serves_refuses_and_closes() {
    on_a_runtime(async {
        let doors = Doors::default();
        let door = doors.open("echo", LOCAL, limits(2, 2)).await.unwrap();
        let (address, closing) = (door.address(), door.closing());
        assert!(doors.open("another", address, limits(1, 1)).await.is_err(), "a port that is taken");
        let client = async {
            let mut first = TcpStream::connect(address).await.unwrap();
            let mut second = TcpStream::connect(address).await.unwrap();
            for stream in [&mut first, &mut second] {
                stream.write_all(b"x").await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), b'x');
            }
            let mut third = TcpStream::connect(address).await.unwrap();
            assert!(third.read_u8().await.is_err(), "there is no place for it");
            drop(first);
            while doors.figures()[0].clients > 1 {
                tokio::task::yield_now().await;
            }
            doors.close();
            assert!(second.read_u8().await.is_err());
        };
        tokio::join!(door.attend(LATE, |stream, guest| echo(stream, guest, closing.clone())), client);
        let figures = &doors.figures()[0];
        assert_eq!((figures.clients, figures.connections, figures.bytes_in, figures.bytes_out), (0, 2, 2, 2));
        assert_eq!(figures.refusals.values().sum::<u64>(), 1);
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    });
}

/// A connection whose task does not end by itself is ended.
#[test]
fn a_door_that_closes_cuts_what_does_not_end() {
    on_a_runtime(async {
        let doors = Doors::default();
        let door = doors.open("stuck", LOCAL, limits(2, 2)).await.unwrap();
        let mut client = TcpStream::connect(door.address()).await.unwrap();
        let (taken, mut is_taken) = watch::channel(false);
        let closing = async {
            is_taken.wait_for(|&taken| taken).await.unwrap();
            doors.close();
        };
        let stuck = |stream: Guarded<TcpStream>, guest: Guest| {
            guest.note_request();
            taken.send_replace(true);
            async move {
                let _held = (stream, guest);
                std::future::pending().await
            }
        };
        tokio::join!(door.attend(SOON, stuck), closing);
        assert!(client.read_u8().await.is_err());
        assert_eq!(doors.figures()[0].clients, 0);
    });
}

/// A connection that has made no request runs nothing that could be waited for.
#[test]
fn a_door_that_closes_does_not_wait_for_who_has_asked_for_nothing() {
    on_a_runtime(async {
        let doors = Doors::default();
        let door = doors.open("stuck", LOCAL, limits(1, 1)).await.unwrap();
        let mut client = TcpStream::connect(door.address()).await.unwrap();
        let (taken, mut is_taken) = watch::channel(false);
        let closing = async {
            is_taken.wait_for(|&taken| taken).await.unwrap();
            doors.close();
        };
        let silent = |stream: Guarded<TcpStream>, guest: Guest| {
            taken.send_replace(true);
            async move {
                let _held = (stream, guest);
                std::future::pending().await
            }
        };
        tokio::join!(door.attend(LATE, silent), closing);
        assert!(client.read_u8().await.is_err());
        assert_eq!(doors.figures()[0].clients, 0);
    });
}

/// The doors of one service close without those of another, and their figures stay until the service opens another.
#[test]
fn a_service_closes_its_own_doors() {
    on_a_runtime(async {
        let doors = Doors::default();
        let (one, other) =
            (doors.open("one", LOCAL, limits(1, 1)).await.unwrap(), doors.open("other", LOCAL, limits(1, 1)).await.unwrap());
        let stages = || doors.figures().iter().map(|door| (door.service, door.stage)).collect::<Vec<_>>();
        doors.close_service("one");
        assert_eq!(stages(), [("one", Stage::Closing), ("other", Stage::Open)]);
        let closed = doors.closed(Some("one"));
        one.attend(Duration::ZERO, |_, _| async {}).await;
        closed.await;
        assert_eq!(stages(), [("one", Stage::Closed), ("other", Stage::Open)]);
        let again = doors.open("one", LOCAL, limits(1, 1)).await.unwrap();
        assert_eq!(stages(), [("other", Stage::Open), ("one", Stage::Open)]);
        drop(again);
        doors.close();
        assert_eq!(stages(), [("other", Stage::Closing), ("one", Stage::Closed)], "a closed door stays closed");
        drop(other);
        doors.closed(None).await;
    });
}

/// Where none of the addresses can be listened at, nobody waits for the doors to close.
#[test]
fn doors_that_cannot_be_opened_are_closed() {
    on_a_runtime(async {
        let (doors, taken) = (Doors::default(), TcpListener::bind(LOCAL).await.unwrap());
        let opened = doors.open_each("a test", &[taken.local_addr().unwrap()], limits(1, 1)).await;
        assert!(opened[0].1.is_err());
        assert_eq!(doors.figures()[0].stage, Stage::Closed);
        doors.closed(None).await;
    });
}

/// While what is served is stopped, nobody is taken in, and those who were are cut. Then the address is the same. Doors of one service
/// have their places together.
#[test]
fn a_door_is_shut_while_what_is_served_is_stopped() {
    on_a_runtime(async {
        let doors = Doors::default();
        let mut opened = doors.open_each("a test", &[LOCAL, LOCAL], limits(1, 1)).await.into_iter();
        let [first, second] = [opened.next(), opened.next()].map(|opened| opened.unwrap().1.unwrap());
        let (address, other) = (first.address(), second.address());
        assert_ne!(address, other);
        let is_stopped = watch::Sender::new(false);
        let hold = |stream: Guarded<TcpStream>, guest: Guest| async move {
            let _held = (stream, guest);
            std::future::pending::<()>().await;
        };
        let clients = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            while doors.figures()[0].clients == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!((doors.figures().len(), doors.figures()[0].address), (1, address));
            assert_eq!(TcpStream::connect(other).await.unwrap().read(&mut [0]).await.unwrap_or(0), 0, "there is no place left");
            is_stopped.send_replace(true);
            assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
            assert!(TcpStream::connect(address).await.is_err());
            assert_eq!((doors.figures()[0].doors, doors.figures()[0].stopped), (2, 1));
            let each = doors.each().into_iter().map(|door| (door.address, door.connections, door.refusals.len(), door.stopped));
            assert_eq!(each.collect::<Vec<_>>(), [(address, 1, 0, 1), (other, 0, 1, 0)], "each has its own counts");
            is_stopped.send_replace(false);
            while TcpStream::connect(address).await.is_err() {
                pause(SOON).await;
            }
            while doors.figures()[0].clients == 0 {
                tokio::task::yield_now().await;
            }
            doors.close();
        };
        tokio::join!(clients, first.attend_unless(is_stopped.subscribe(), SOON, hold), second.attend(SOON, hold));
        let figures = &doors.figures()[0];
        assert_eq!((&figures.refusals, figures.doors, figures.stopped), (&Refusals::from([(reason::FULL, 1)]), 0, 0));
        assert_eq!(doors.each().iter().map(|door| door.stage).collect::<Vec<_>>(), [Stage::Closed; 2]);
    });
}
