// What ns-3 takes for the case of benches/net.rs: 100 MB of bulk TCP over one link of 100 Mbit/s and 5 ms, without loss.
//
// Prints the packets that both ends sent and the processor seconds of the simulation alone, so that starting the program does not
// count. Built and run by benches/beside_ns3.sh; needs Debian's libns3-dev (3.37).

#include <cstdint>
#include <cstdio>
#include <ctime>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3;

static uint64_t packets = 0;

static void CountPacket(Ptr<const Packet>)
{
    packets++;
}

static double ProcessorSeconds()
{
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char* argv[])
{
    uint64_t bytes = 100000000;
    CommandLine arguments;
    arguments.AddValue("bytes", "what the flow carries", bytes);
    arguments.Parse(argc, argv);

    // Linux's packets, window and buffers, as the model has them; TcpCubic and SACK are ns-3's own defaults.
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(4 << 20));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(6 << 20));
    Config::SetDefault("ns3::DropTailQueue<Packet>::MaxSize", StringValue("167p"));

    NodeContainer nodes;
    nodes.Create(2);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", StringValue("100Mbps"));
    link.SetChannelAttribute("Delay", StringValue("5ms"));
    NetDeviceContainer devices = link.Install(nodes);
    InternetStackHelper().Install(nodes);
    Ipv4AddressHelper addresses;
    addresses.SetBase("10.0.0.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);

    const uint16_t port = 5001;
    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
    ApplicationContainer receiver = sink.Install(nodes.Get(1));
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(interfaces.GetAddress(1), port));
    source.SetAttribute("MaxBytes", UintegerValue(bytes));
    source.SetAttribute("SendSize", UintegerValue(65536));
    source.Install(nodes.Get(0));
    for (uint32_t end = 0; end < 2; end++)
    {
        devices.Get(end)->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&CountPacket));
    }

    const double before = ProcessorSeconds();
    Simulator::Run();
    const double seconds = ProcessorSeconds() - before;
    const uint64_t received = DynamicCast<PacketSink>(receiver.Get(0))->GetTotalRx();
    const double virtual_seconds = Simulator::Now().GetSeconds();
    Simulator::Destroy();
    std::printf("%llu %.6f %.3f\n", (unsigned long long)packets, seconds, virtual_seconds);
    return received == bytes ? 0 : 1;
}
