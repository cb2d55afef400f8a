ensure_chain mangle KUBE-IPTABLES-HINT
case "${ipt##*/}" in iptables-*)
    ensure_chain filter KUBE-FIREWALL
    ensure_rule -I filter OUTPUT -j KUBE-FIREWALL
    ensure_rule -I filter INPUT -j KUBE-FIREWALL
    ensure_rule -A filter KUBE-FIREWALL \
        -m comment --comment "block incoming localnet connections" \
        --dst 127.0.0.0/8 ! --src 127.0.0.0/8 \
        -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
esac
for table in mangle nat filter; do ensure_chain $table KUBE-KUBELET-CANARY; done
