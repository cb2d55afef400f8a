//! Scripts of neighbours that mean no harm: whatever they do, our chains hold what they held, at each commit.
use crate::support::On;
use chainkeeper_contract::testing::Dice;

/// One kind: its name, and what it does with `$T` (an iptables), `$t` (a table), `$c` (a chain of its own), `$o` (an
/// iptables of the other backend), `$n` (a number of its own) and `$p` (a port).
pub(super) type Kind = (&'static str, &'static str);

/// For either backend.
const ANYWHERE: [Kind; 27] = [
    ("a chain of its own", "$T -t $t -N $c; $T -t $t -A $c -p tcp --dport $p -j RETURN; $T -t $t -A OUTPUT -j $c
        $T -t $t -D OUTPUT -j $c; $T -t $t -F $c; $T -t $t -X $c"),
    ("rules before all", "$T -t $t -I OUTPUT -p tcp --dport $p -j ACCEPT; $T -t $t -D OUTPUT 1"),
    ("rules before our jumps", "$T -I INPUT 1 -p udp --dport $p -j ACCEPT; $T -t nat -I POSTROUTING 1 -p udp --dport $p -j ACCEPT
        $T -D INPUT 1; $T -t nat -D POSTROUTING 1"),
    ("rules behind all", "$T -A INPUT -p tcp --dport $p -j DROP; $T -t nat -A POSTROUTING -o x$n -j MASQUERADE
        $T -D INPUT -p tcp --dport $p -j DROP; $T -t nat -D POSTROUTING -o x$n -j MASQUERADE"),
    ("a rule replaced", "$T -t $t -I OUTPUT -p tcp --dport $p -j ACCEPT; $T -t $t -R OUTPUT 1 -p tcp --dport $n -j ACCEPT
        $T -t $t -D OUTPUT 1"),
    ("another comment", "$T -t $t -N $c; $T -t $t -A $c -m comment --comment one -j RETURN
        $T -t $t -R $c 1 -m comment --comment 'another, KUBE-MARK-MASQ' -j RETURN; $T -t $t -F $c; $T -t $t -X $c"),
    ("a chain renamed", "$T -t $t -N $c; $T -t $t -A OUTPUT -p sctp -j $c; $T -t $t -E $c $c-b
        $T -t $t -D OUTPUT -p sctp -j $c-b; $T -t $t -X $c-b"),
    ("counters to zero", "$T -t $t -Z; $T -t nat -Z KUBE-POSTROUTING; $T -Z KUBE-FIREWALL 1; $T -L -v -n -Z"),
    ("lists", "$T -w -L -n; $T -w -t nat -S; $T -t nat -C KUBE-MARK-MASQ -j MARK --or-mark 0x4000; $T-save -t $t; $T-save -c"),
    ("policies", "$T -P FORWARD DROP; $T -P INPUT DROP; $T -P INPUT ACCEPT; $T -P FORWARD ACCEPT"),
    ("saved and restored", "$T-save >$f; $T-restore <$f"),
    ("saved and restored with counters", "$T-save -c >$f; $T-restore -c <$f"),
    ("one table saved and restored", "$T-save -t $t >$f; $T-restore <$f"),
    ("restored by a pipe", "$T-save | $T-restore"),
    ("restored, no flush", "printf '*%s\\n:%s - [0:0]\\n-A %s -p tcp --dport %s -j RETURN\\nCOMMIT\\n' $t $c $c $p >$f
        $T-restore --noflush <$f; $T-restore -n -c <$f; $T -t $t -F $c; $T -t $t -X $c"),
    ("our rules in a restore", "printf '*nat\\n:KUBE-MARK-MASQ - [0:0]\\n-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000\\nCOMMIT\\n' >$f
        $T-restore --noflush <$f"),
    ("a flush that is only tested", "printf '*nat\\n:KUBE-MARK-MASQ - [0:0]\\nCOMMIT\\n*filter\\nCOMMIT\\n' >$f; $T-restore --test <$f"),
    ("a flush that fails at its end", "printf '*nat\\n-F\\n-X\\n-A NO-SUCH-CHAIN -j DROP\\nCOMMIT\\n' >$f
        if $T-restore <$f 2>/dev/null; then exit 9; fi"),
    ("rm -r of what is not there", "! $T -t $t -X $c 2>/dev/null; ! $T -t $t -F $c 2>/dev/null; ! $T -t nat -X KUBE-MARK-MASQ-NOT 2>/dev/null"),
    ("a flush in another namespace", "unshare --net sh -c \"$T -N $c; $T -F; $T -t nat -F; $T -X; nft flush ruleset\""),
    ("the lock is held", "flock $XTABLES_LOCKFILE sleep 0.0$((n % 5)); $T -w -S >/dev/null"),
    ("the other iptables", "$o -t $t -N $c; $o -t $t -A $c -p tcp --dport $p -j RETURN; $o -t $t -F $c; $o -t $t -X $c"),
    ("the other iptables restores", "$o-save >$f; $o-restore <$f; $o -t $t -Z"),
    ("sets", "ipset create s$n hash:ip; ipset add s$n 10.0.0.1; ipset create u$n hash:ip; ipset swap s$n u$n; ipset flush u$n
        ipset del s$n 10.0.0.1 -exist; ipset destroy s$n; ipset destroy u$n"),
    ("connections forgotten", "conntrack -F 2>/dev/null; conntrack -D -p tcp --dport $p 2>/dev/null || :"),
    ("links and addresses", "ip link add d$n type veth peer e$n; ip addr add 10.9.8.7/32 dev d$n; ip link set d$n up; ip link del d$n"),
    ("other families", "nft \"add table inet t$n; add chain inet t$n c { type filter hook input priority 5; policy drop; }\"
        nft add rule inet t$n c tcp dport $p accept; nft delete table inet t$n"),
];

/// For nft: what nft itself does beside and in iptables' tables.
const BY_NFT: [Kind; 15] = [
    ("a set that is updated", "nft \"add table inet t$n; add set inet t$n s { type ipv4_addr; flags interval; }\"
        for i in 1 2 3 4 5; do nft add element inet t$n s \"{ 10.0.$i.0/24 }\"; done
        nft delete element inet t$n s '{ 10.0.3.0/24 }'; nft flush set inet t$n s; nft delete table inet t$n"),
    ("maps, counters, quotas", "nft \"add table ip t$n; add map ip t$n m { type inet_service : verdict; }; add counter ip t$n k
        add quota ip t$n q { over 10 mbytes; }; add element ip t$n m { $p : accept }\"; nft reset counters; nft delete table ip t$n"),
    ("its own table anew at one commit", "nft add table inet t$n
        for i in 1 2 3; do printf 'table inet t%s\\ndelete table inet t%s\\ntable inet t%s { chain c { tcp dport %s accept; }; }\\n' \
            $n $n $n $((p + i)) | nft -f -; done; nft delete table inet t$n"),
    ("bridge", "nft \"add table bridge t$n; add chain bridge t$n c { type filter hook input priority 0; }\"; nft delete table bridge t$n"),
    ("arp", "nft \"add table arp t$n; add chain arp t$n c { type filter hook input priority 0; }\"; nft flush table arp t$n; nft delete table arp t$n"),
    ("netdev", "nft \"add table netdev t$n; add chain netdev t$n c { type filter hook ingress device lo priority 0; }\"; nft delete table netdev t$n"),
    ("ebtables and arptables", "ebtables-nft -N $c; ebtables-nft -A $c -j DROP; ebtables-nft -F $c; ebtables-nft -X $c
        arptables-nft -N $c; arptables-nft -X $c; ebtables-nft-save | ebtables-nft-restore"),
    ("hooks of every kind", "nft add table ip t$n; for h in prerouting input forward output postrouting; do
        nft \"add chain ip t$n $h { type filter hook $h priority -$((n % 300)); }\"; done; nft delete table ip t$n"),
    ("a chain in our table, by nft", "nft \"add chain ip nat t$n; add rule ip nat t$n tcp dport $p accept\"
        nft \"flush chain ip nat t$n; delete chain ip nat t$n\""),
    ("a rule before our jump, by nft", "h=$(nft -ae \"insert rule ip filter INPUT tcp dport $p accept\" | sed 's/.*# handle //')
        nft delete rule ip filter INPUT handle $h"),
    ("a flush that is only checked", "echo flush ruleset | nft -c -f -; nft -c delete table ip nat"),
    ("a flush that fails at its end", "! printf 'flush ruleset\\nadd rule ip no such\\n' | nft -f - 2>/dev/null"),
    ("its own table from a list", "nft \"add table inet t$n; add chain inet t$n c; add rule inet t$n c tcp dport $p counter accept\"
        nft list table inet t$n >$f; (echo delete table inet t$n; cat $f) | nft -f -; nft delete table inet t$n"),
    ("lists of all", "nft list ruleset; nft -j list ruleset; nft -a list table ip filter; nft list hooks 2>/dev/null || :"),
    ("an empty commit after the other", "for i in 1 2 3 4 5 6 7 8; do nft \"add table ip t$n; delete table ip t$n\"; done"),
];

/// What there is beside that backend.
pub(super) fn all(on: On) -> Vec<Kind> {
    match on {
        On::Nft => [&ANYWHERE[..], &BY_NFT].concat(),
        On::Legacy => ANYWHERE.to_vec(),
    }
}

/// A script: the kind, with all else by chance.
pub(super) fn script(on: On, (name, text): Kind, n: usize, dice: &mut Dice) -> String {
    let other = if on == On::Nft { On::Legacy } else { On::Nft };
    let family = dice.roll(2);
    let [tool, beside] = [on, other].map(|on| on.both_iptables()[family]);
    let table = dice.pick(&["filter", "nat", "mangle", "raw", "security"]);
    let port = 1 + dice.roll(60_000);
    format!(
        ": {name:?}; T={tool} t={table} c=OWN-{n} o={beside} n={n} p={port}
        f=${{XTABLES_LOCKFILE%/*}}/saved
        {text}"
    )
}
