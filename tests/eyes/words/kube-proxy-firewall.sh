ensure_chain filter KUBE-FIREWALL
ensure_rule -I filter INPUT -j KUBE-FIREWALL
ensure_rule -I filter OUTPUT -j KUBE-FIREWALL
