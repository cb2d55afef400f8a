//! Numbers of the kernel's interface: `linux/netlink.h`, `linux/netfilter/nfnetlink_conntrack.h`,
//! `linux/netfilter/nf_conntrack_common.h`, `linux/netfilter.h`, `linux/in.h`.

pub(crate) const NLM_F_REQUEST: u16 = 0x1;
pub(crate) const NLM_F_ACK: u16 = 0x4;
pub(crate) const NLM_F_DUMP: u16 = 0x300;
pub(crate) const NLA_F_NESTED: u16 = 0x8000;

pub(crate) const NFPROTO_UNSPEC: u8 = 0;
pub(crate) const NFPROTO_IPV4: u8 = 2;
pub(crate) const NFPROTO_IPV6: u8 = 10;

/// NFNL_SUBSYS_CTNETLINK.
const SUBSYS: u16 = 1;
pub(crate) const IPCTNL_MSG_CT_NEW: u16 = SUBSYS << 8;
pub(crate) const IPCTNL_MSG_CT_GET: u16 = (SUBSYS << 8) | 1;
pub(crate) const IPCTNL_MSG_CT_DELETE: u16 = (SUBSYS << 8) | 2;
pub(crate) const IPCTNL_MSG_CT_GET_STATS: u16 = (SUBSYS << 8) | 5;

pub(crate) const CTA_TUPLE_ORIG: u16 = 1;
pub(crate) const CTA_TUPLE_REPLY: u16 = 2;
pub(crate) const CTA_STATUS: u16 = 3;
pub(crate) const CTA_ID: u16 = 12;
pub(crate) const CTA_ZONE: u16 = 18;
pub(crate) const CTA_TIMESTAMP: u16 = 20;

pub(crate) const CTA_TUPLE_IP: u16 = 1;
pub(crate) const CTA_TUPLE_PROTO: u16 = 2;

pub(crate) const CTA_IP_V4_SRC: u16 = 1;
pub(crate) const CTA_IP_V4_DST: u16 = 2;
pub(crate) const CTA_IP_V6_SRC: u16 = 3;
pub(crate) const CTA_IP_V6_DST: u16 = 4;

pub(crate) const CTA_PROTO_NUM: u16 = 1;
pub(crate) const CTA_PROTO_SRC_PORT: u16 = 2;
pub(crate) const CTA_PROTO_DST_PORT: u16 = 3;

/// Of one network namespace.
pub(crate) const CTA_STATS_GLOBAL_ENTRIES: u16 = 1;

/// Nanoseconds since 1970 of the wall clock (`ktime_get_real_ns`), big-endian u64.
pub(crate) const CTA_TIMESTAMP_START: u16 = 1;

/// The source address, the source port or both are not those that the sender chose.
pub(crate) const IPS_SRC_NAT: u32 = 1 << 4;

/// Protocols by number, and whether their connections have ports (GRE's are keys).
pub(crate) const PROTOCOLS: [(u8, &str, bool); 8] = [
    (1, "icmp", false),
    (6, "tcp", true),
    (17, "udp", true),
    (33, "dccp", true),
    (47, "gre", false),
    (58, "icmpv6", false),
    (132, "sctp", true),
    (136, "udplite", true),
];
