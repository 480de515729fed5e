using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Weft.Wire.Netlink;

/// <summary>struct tc_tbf_qopt with TCA_TBF_RATE64 and TCA_TBF_BURST (include/uapi/linux/pkt_sched.h).</summary>
/// <param name="Rate">Bytes a second.</param>
/// <param name="Burst">Bytes. The kernel tells it as a time in ticks of 64 ns, so that what is read back is rounded.</param>
/// <param name="Limit">Bytes that may wait.</param>
public sealed record TokenBucketOptions(ulong Rate, uint Burst, uint Limit);

/// <summary>RTM_NEWQDISC, RTM_NEWTFILTER and relatives: struct tcmsg and TCA_* (include/uapi/linux/rtnetlink.h).</summary>
/// <param name="Link">Interface index.</param>
/// <param name="TokenBucket">Of a qdisc of kind tbf.</param>
/// <param name="RedirectTo">Of a filter whose action is a redirect (mirred): the interface index, 0 when that device is gone.</param>
public sealed record TrafficControlMessage(
    int Link, uint Handle, uint Parent, string Kind, TokenBucketOptions? TokenBucket = null, int? RedirectTo = null)
{
    public const string KindTokenBucket = "tbf";
    public const string KindIngress = "ingress";
    public const int HeaderLength = 20;

    /// <summary>TC_H_ROOT: what the link sends.</summary>
    public const uint ParentRoot = 0xffffffff;

    /// <summary>TC_H_INGRESS: what the link receives.</summary>
    public const uint ParentIngress = 0xfffffff1;

    /// <summary>The handle that an ingress qdisc always has, which is the parent of its filters.</summary>
    public const uint HandleIngress = 0xffff0000;

    private const ushort AttributeKind = 1;
    private const ushort Options = 2;
    private const ushort TbfParameters = 1;
    private const ushort TbfRate64 = 4;
    private const ushort TbfBurst = 6;
    private const int TbfParametersLength = 36;
    private const byte LinkLayerEthernet = 1;
    private const ushort U32Selector = 5;
    private const ushort U32Actions = 7;
    private const int U32SelectorLength = 32;
    private const byte U32Terminal = 1;
    private const ushort ActionKind = 1;
    private const ushort ActionOptions = 2;
    private const ushort MirredParameters = 2;
    private const int MirredParametersLength = 28;
    private const int ActionStolen = 4;
    private const int EgressRedirect = 1;
    private const ushort EthernetAll = 3;
    private const uint Priority = 1;

    /// <summary>A tick of the kernel's packet scheduler in nanoseconds (include/net/pkt_sched.h, PSCHED_SHIFT is 6).</summary>
    private const double NanosecondsPerTick = 64;

    /// <summary>struct tcmsg.</summary>
    public static void WriteHeader(ref NetlinkWriter writer, int link, uint handle = 0, uint parent = 0, uint info = 0)
    {
        var header = writer.Reserve(HeaderLength);
        MemoryMarshal.Write(header[4..], link);
        MemoryMarshal.Write(header[8..], handle);
        MemoryMarshal.Write(header[12..], parent);
        MemoryMarshal.Write(header[16..], info);
    }

    /// <summary>A token bucket at the root of a link.</summary>
    public static void WriteTokenBucket(ref NetlinkWriter writer, int link, uint handle, TokenBucketOptions bucket)
    {
        WriteHeader(ref writer, link, handle, ParentRoot);
        writer.AddString(AttributeKind, KindTokenBucket);
        var options = writer.BeginNested(Options);
        var parameters = writer.AddAttribute(TbfParameters, TbfParametersLength);
        // Without a link layer the kernel would look for a rate table (sch_tbf.c, tbf_change), which it has had no use for since 3.8.
        parameters[1] = LinkLayerEthernet;
        MemoryMarshal.Write(parameters[8..], (uint)Math.Min(bucket.Rate, uint.MaxValue));
        MemoryMarshal.Write(parameters[24..], bucket.Limit);
        if (bucket.Rate > uint.MaxValue)
            MemoryMarshal.Write(writer.AddAttribute(TbfRate64, 8), bucket.Rate);
        writer.AddUInt32(TbfBurst, bucket.Burst);
        writer.EndNested(options);
    }

    /// <summary>The qdisc that filters for what a link receives hang on.</summary>
    public static void WriteIngress(ref NetlinkWriter writer, int link)
    {
        WriteHeader(ref writer, link, HandleIngress, ParentIngress);
        writer.AddString(AttributeKind, KindIngress);
    }

    /// <summary>A filter below the ingress qdisc that sends every packet of every protocol out of another device.</summary>
    public static void WriteRedirect(ref NetlinkWriter writer, int link, int to)
    {
        var protocol = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(EthernetAll) : EthernetAll;
        WriteHeader(ref writer, link, 0, HandleIngress, Priority << 16 | protocol);
        writer.AddString(AttributeKind, "u32");
        var options = writer.BeginNested(Options);
        // One key with an empty mask (struct tc_u32_sel and tc_u32_key): any packet matches it.
        var selector = writer.AddAttribute(U32Selector, U32SelectorLength);
        selector[0] = U32Terminal;
        selector[2] = 1;
        var actions = writer.BeginNested(U32Actions);
        var first = writer.BeginNested(1);
        writer.AddString(ActionKind, "mirred");
        var action = writer.BeginNested(ActionOptions);
        var parameters = writer.AddAttribute(MirredParameters, MirredParametersLength);
        MemoryMarshal.Write(parameters[8..], ActionStolen);
        MemoryMarshal.Write(parameters[20..], EgressRedirect);
        MemoryMarshal.Write(parameters[24..], to);
        writer.EndNested(action);
        writer.EndNested(first);
        writer.EndNested(actions);
        writer.EndNested(options);
    }

    /// <exception cref="NetlinkFormatException">The payload is no traffic control message.</exception>
    public static TrafficControlMessage Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderLength)
            throw new NetlinkFormatException($"tcmsg of {payload.Length} bytes, at least {HeaderLength} expected");
        var kind = "";
        ReadOnlySpan<byte> options = default;
        var attributes = new AttributeReader(payload[HeaderLength..]);
        while (attributes.Read())
        {
            if (attributes.Type == AttributeKind)
                kind = attributes.Text();
            else if (attributes.Type == Options)
                options = attributes.Value;
        }
        return new TrafficControlMessage(
            MemoryMarshal.Read<int>(payload[4..]), MemoryMarshal.Read<uint>(payload[8..]), MemoryMarshal.Read<uint>(payload[12..]), kind,
            kind == KindTokenBucket ? ParseTokenBucket(options) : null,
            kind == "u32" ? ParseRedirect(options) : null);
    }

    private static TokenBucketOptions? ParseTokenBucket(ReadOnlySpan<byte> options)
    {
        ReadOnlySpan<byte> parameters = default;
        ulong rate = 0;
        var attributes = new AttributeReader(options);
        while (attributes.Read())
        {
            if (attributes.Type == TbfParameters)
                parameters = attributes.Value;
            else if (attributes.Type == TbfRate64 && attributes.Value.Length >= sizeof(ulong))
                rate = MemoryMarshal.Read<ulong>(attributes.Value);
        }
        if (parameters.Length < TbfParametersLength)
            return null;
        rate = Math.Max(rate, MemoryMarshal.Read<uint>(parameters[8..]));
        var ticks = MemoryMarshal.Read<uint>(parameters[28..]);
        return new TokenBucketOptions(rate, (uint)Math.Round(Math.Min(ticks * NanosecondsPerTick / 1e9 * rate, uint.MaxValue)), MemoryMarshal.Read<uint>(parameters[24..]));
    }

    private static int? ParseRedirect(ReadOnlySpan<byte> options)
    {
        var attributes = new AttributeReader(options);
        while (attributes.Read())
        {
            if (attributes.Type != U32Actions)
                continue;
            var actions = attributes.Nested();
            return actions.Read() ? ParseAction(actions.Nested()) : null;
        }
        return null;
    }

    private static int? ParseAction(AttributeReader action)
    {
        var mirred = false;
        int? to = null;
        while (action.Read())
        {
            if (action.Type == ActionKind)
                mirred = action.Text() == "mirred";
            else if (action.Type == ActionOptions)
                to = ParseMirred(action.Nested());
        }
        return mirred ? to : null;
    }

    private static int? ParseMirred(AttributeReader options)
    {
        while (options.Read())
        {
            if (options.Type == MirredParameters && options.Value.Length >= MirredParametersLength
                && MemoryMarshal.Read<int>(options.Value[20..]) == EgressRedirect)
                return MemoryMarshal.Read<int>(options.Value[24..]);
        }
        return null;
    }
}
