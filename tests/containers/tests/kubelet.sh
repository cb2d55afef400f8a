# The iptables of a kubelet from 1.28 on, one family: what it ensures at its start, then its monitor, in the
# spelling and order that are kubelet's. Its minute is a second here.
#   sh kubelet.sh FAMILY IPTABLES COMMAND...    the command waits for a second
set -e
family=$1 ipt=$2
shift 2

# -N may say that the chain exists (1), -C that the rule does not (1); any other code is an error.
ensure_chain() { $ipt -w 5 -N "$2" -t "$1" 2>/dev/null || [ $? = 1 ]; }
ensure_rule() {
    local op=$1 table=$2 chain=$3
    shift 3
    $ipt -w 5 -C "$chain" -t "$table" "$@" >/dev/null 2>&1 || {
        [ $? = 1 ]
        $ipt -w 5 "$op" "$chain" -t "$table" "$@"
        echo "wrote $chain"
    }
}
# A table that is busy (4) is no loss.
there() {
    local code=0
    $ipt -w 5 -S KUBE-KUBELET-CANARY -t "$1" >/dev/null 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 4 ]
}

while :; do
    ensure_chain mangle KUBE-IPTABLES-HINT
    if [ "$family" = ipv4 ]; then
        ensure_chain filter KUBE-FIREWALL
        ensure_rule -I filter OUTPUT -j KUBE-FIREWALL
        ensure_rule -I filter INPUT -j KUBE-FIREWALL
        ensure_rule -A filter KUBE-FIREWALL -m comment --comment "block incoming localnet connections" \
            --dst 127.0.0.0/8 ! --src 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
    fi
    for table in mangle nat filter; do ensure_chain $table KUBE-KUBELET-CANARY; done
    echo watching
    while "$@"; there mangle; do echo looked; done
    while there nat || there filter; do "$@"; done
    echo reload
done
