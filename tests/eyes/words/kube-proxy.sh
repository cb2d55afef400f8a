for table in mangle nat filter; do ensure_chain $table KUBE-PROXY-CANARY; done
portals="kubernetes service portals"
ensure_chain nat KUBE-SERVICES
ensure_rule -I nat OUTPUT -m comment --comment "$portals" -j KUBE-SERVICES
ensure_rule -I nat PREROUTING -m comment --comment "$portals" -j KUBE-SERVICES
ensure_chain nat KUBE-POSTROUTING
ensure_rule -I nat POSTROUTING \
    -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
