#!/bin/sh
# Many kinds of rules for `hand-*.save`, by the iptables named $1, in the namespace this is started in:
# matches and targets that are rare, names and comments that are odd, and rules nearly like ours.
set -eu
ipt=$1
case ${ipt##*/} in
    ip6*) v4=false a=2001:db8::/32 h=2001:db8::1 set=S6 family=inet6 ;;
    *) v4=true a=10.0.0.0/8 h=10.0.0.1 set=S family=inet ;;
esac
ipset create $set hash:ip family $family
t() { table=$1; shift; "$ipt" -t "$table" "$@"; }

for c in "it's" 'ünï' '[1:2]' '#x' 'COMMIT' 'K\S' gone-to; do t filter -N "$c"; done
for c in "it's" 'ünï' '[1:2]' '#x' 'COMMIT' 'K\S'; do
    t filter -A FORWARD -j "$c"
    t filter -A FORWARD -s $a -g "$c"
    t filter -A "$c" -g gone-to
done
t filter -A gone-to
for c in plain 'a b' 'a.b' 'q"q' "s's" 'b\b' '\' '"' '-j' '--comment' '-j DROP' '' '#x' '!' ' lead' 'trail ' 'ünï ☃' "$(printf '\t')" '$x `y`' "$(printf 'x%.0s' $(seq 255))"; do
    t filter -A OUTPUT -m comment --comment "$c" -j DROP
    t filter -A OUTPUT -m comment --comment "$c"
done
t filter -A OUTPUT -m comment --comment one -m comment --comment two -j DROP
t filter -A INPUT -m u32 --u32 '6&0xFF=1 && 4&0x3FFF=0' -j DROP
t filter -A INPUT -m string --string 'a "b" \c -j DROP' --algo bm --icase -j DROP
t filter -A INPUT -m string --hex-string '|00 01|GET ' --algo kmp --to 100 -j DROP
t filter -A INPUT -m time --timestart 09:00 --timestop 18:00 --weekdays Mon,Tue --kerneltz -j ACCEPT
t filter -A INPUT -m hashlimit --hashlimit-above 10/sec --hashlimit-burst 20 --hashlimit-mode srcip,dstport --hashlimit-name 'hl' -j DROP
t filter -A INPUT -m recent --name x --rcheck --seconds 60 -j ACCEPT
t filter -A INPUT -m bpf --bytecode '4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0' -j DROP
t filter -A INPUT -p tcp -m multiport --dports 80,443,8000:8100 -j ACCEPT
t filter -A INPUT -p tcp -m tcp --tcp-flags SYN,ACK SYN ! --tcp-option 8 -j ACCEPT
t filter -A INPUT -m addrtype ! --dst-type LOCAL --limit-iface-in -j DROP
t filter -A INPUT -m statistic --mode nth --every 3 --packet 1 -j DROP
t filter -A INPUT -m set --match-set $set src -j DROP
t filter -A INPUT -m set ! --match-set $set dst --return-nomatch ! --update-counters -j DROP
t filter -A INPUT -m limit --limit 3/min -j LOG --log-prefix '[x "y"] -j DROP ' --log-level 4 --log-uid
t filter -A INPUT -j LOG
t filter -A INPUT -j LOG --log-prefix -j
t filter -A INPUT -j NFLOG --nflog-prefix -g --nflog-group 1
t filter -A INPUT -m helper --helper -j -j ACCEPT
t filter -A INPUT -j NFLOG --nflog-group 3 --nflog-prefix 'a b'
t filter -A INPUT -j NFQUEUE --queue-num 1 --queue-bypass
t filter -A INPUT -j QUEUE
t filter -A INPUT -p tcp -j REJECT --reject-with tcp-reset
t filter -A INPUT -j AUDIT --type drop
t filter -A INPUT -i 'eth+' ! -s $a -d $h -j ACCEPT
t filter -A INPUT ! -i lo -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT
t filter -A OUTPUT -m owner --uid-owner 0-1000 -j ACCEPT
t filter -A OUTPUT -m cgroup --cgroup 0x10001 -j ACCEPT
t filter -A INPUT -m connmark --mark 0x1/0x1 -j DROP
t filter -A INPUT -m connbytes --connbytes 1000: --connbytes-dir both --connbytes-mode bytes -j DROP
t filter -A INPUT -p tcp -m connlimit --connlimit-above 3 -j DROP
t filter -A INPUT -m helper --helper ftp -j ACCEPT
t filter -A INPUT -m iprange --src-range $h-$h -j ACCEPT
t filter -A INPUT -m length --length 10:20 -j ACCEPT
t filter -A INPUT -m physdev --physdev-in eth0 -j ACCEPT
t filter -A INPUT -m pkttype --pkt-type multicast -j ACCEPT
t filter -A INPUT -m policy --dir in --pol ipsec --reqid 1 -j ACCEPT
t filter -A INPUT -m quota --quota 1000 -j ACCEPT
t filter -A INPUT -m socket --transparent -j ACCEPT
t filter -A INPUT -m state --state NEW -j ACCEPT
t filter -A INPUT -m tos --tos 0x10/0x3f -j ACCEPT
t filter -A INPUT -m dscp --dscp 10 -j ACCEPT
t filter -A INPUT -m cpu --cpu 0 -j ACCEPT
t filter -A INPUT -p sctp -m sctp --dport 80 -j ACCEPT
t filter -A INPUT -p 99 -j ACCEPT
t filter -A INPUT -j RATEEST --rateest-name RE --rateest-interval 250ms --rateest-ewmalog 0.5s
t filter -A INPUT -m rateest --rateest RE --rateest-lt --rateest-bps 1mbit -j ACCEPT
t filter -A INPUT -j IDLETIMER --timeout 10 --label idle
t filter -A INPUT -j SET --add-set $set src --exist --timeout 10
# Like rules of ours, and not.
t filter -A INPUT -m mark --mark 0x1/0x1 -m mark --mark 0x2/0x2 -j DROP
t filter -A INPUT -m mark --mark 0x5/0x4 -j DROP
t filter -A INPUT -m mark --mark 0x0/0x0 -j DROP
t filter -A INPUT -m mark --mark 010 -j DROP
t filter -A INPUT -m mark ! --mark 0xffffffff -j DROP
t filter -A INPUT ! -s $a -d $a -m conntrack ! --ctstate NEW,NEW,INVALID,UNTRACKED,SNAT -j DROP
t filter -A INPUT -m conntrack --ctstate NEW --ctstatus NONE -j DROP
t filter -A INPUT -m conntrack --ctstate NEW --ctdir ORIGINAL -j DROP
t filter -A INPUT -m conntrack --ctproto tcp --ctorigsrc $h --ctexpire 1:10 -j DROP
t filter -A INPUT -m comment --comment x -m mark --mark 1 -j RETURN
t filter -A INPUT -p tcp -m mark --mark 1 -j DROP
t nat -N KUBE-X
t nat -A POSTROUTING -o eth0 -j MASQUERADE
t nat -A POSTROUTING -j MASQUERADE --random-fully
t nat -A POSTROUTING -j MASQUERADE --random
t nat -A POSTROUTING -p tcp -j MASQUERADE --to-ports 1-2
t nat -A POSTROUTING -j SNAT --to-source $h --persistent
t nat -A POSTROUTING -j NETMAP --to $a
t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 80
t nat -A PREROUTING -j DNAT --to-destination $h
t nat -A PREROUTING -g KUBE-X
t nat -A KUBE-X -j RETURN
t mangle -A PREROUTING -j MARK --set-mark 5/2
t mangle -A PREROUTING -j MARK --and-mark 5
t mangle -A PREROUTING -j MARK --set-xmark 0x1
t mangle -A PREROUTING -j MARK --or-mark 0x80000000
t mangle -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xf
t mangle -A PREROUTING -p tcp -j TPROXY --on-port 1 --tproxy-mark 1
t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
t mangle -A FORWARD -p tcp -j TCPOPTSTRIP --strip-options timestamp
t mangle -A FORWARD -j TOS --set-tos 0x10/0x3f
t mangle -A FORWARD -j DSCP --set-dscp 10
t mangle -A FORWARD -j CLASSIFY --set-class 1:2
t mangle -A FORWARD -j TEE --gateway $h
t mangle -A FORWARD -j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-rnd 0xfeed
t mangle -A FORWARD -j CHECKSUM --checksum-fill
t raw -A PREROUTING -j TRACE
t raw -A PREROUTING -j CT --notrack
t raw -A PREROUTING -p tcp -j CT --helper ftp --zone 3
t raw -A PREROUTING -j NOTRACK
t raw -A PREROUTING -m rpfilter --loose --invert -j DROP
t security -A INPUT -j CONNSECMARK --restore
t security -A INPUT -j ACCEPT
if $v4; then
    t filter -A INPUT -f -j DROP
    t filter -A INPUT -p icmp -m icmp --icmp-type 8/0 -j ACCEPT
    t filter -A INPUT -m ttl --ttl-lt 5 -j DROP
    t filter -A INPUT -s 127.0.2.0/255.0.255.0 -j DROP
    t filter -A INPUT ! -s 0.0.0.0/0 -j DROP
    t filter -A INPUT -m realm --realm 0x1 -j ACCEPT
    t mangle -A FORWARD -p tcp -j ECN --ecn-tcp-remove
    t mangle -A FORWARD -j TTL --ttl-set 64
    t filter -A INPUT -p tcp -j SYNPROXY --mss 1460
else
    t filter -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
    t filter -A INPUT -m hl --hl-lt 5 -j DROP
    t filter -A INPUT -m rt --rt-type 0 -j DROP
    t filter -A INPUT -m frag --fragfirst -j DROP
    t filter -A INPUT -m ipv6header --header hop --soft -j DROP
    t filter -A INPUT -s 2001:db8::/ffff:0:ffff:: -j DROP
    t filter -A INPUT ! -s ::/0 -j DROP
    t mangle -A FORWARD -j HL --hl-set 64
    t mangle -A POSTROUTING -j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64
fi
