ensure_chain nat KUBE-MARK-DROP
ensure_rule -A nat KUBE-MARK-DROP -j MARK --or-mark 0x00008000
ensure_chain filter KUBE-FIREWALL
ensure_rule -A filter KUBE-FIREWALL \
    -m comment --comment "kubernetes firewall for dropping marked packets" \
    -m mark --mark 0x00008000/0x00008000 -j DROP
case "${ipt##*/}" in iptables-*)
    ensure_rule -A filter KUBE-FIREWALL \
        -m comment --comment "block incoming localnet connections" \
        --dst 127.0.0.0/8 ! --src 127.0.0.0/8 \
        -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
esac
ensure_rule -I filter OUTPUT -j KUBE-FIREWALL
ensure_rule -I filter INPUT -j KUBE-FIREWALL
ensure_chain nat KUBE-MARK-MASQ
ensure_chain nat KUBE-POSTROUTING
ensure_rule -A nat KUBE-MARK-MASQ -j MARK --or-mark 0x00004000
ensure_rule -I nat POSTROUTING \
    -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
ensure_rule -A nat KUBE-POSTROUTING -m mark ! --mark 0x00004000/0x00004000 -j RETURN
ensure_rule -A nat KUBE-POSTROUTING -j MARK --xor-mark 0x00004000
ensure_rule -A nat KUBE-POSTROUTING \
    -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
ensure_chain mangle KUBE-IPTABLES-HINT
for table in mangle nat filter; do ensure_chain $table KUBE-KUBELET-CANARY; done
