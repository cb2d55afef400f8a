ensure_chain() { $ipt -w 5 -N "$2" -t "$1" || [ $? = 1 ]; }
ensure_rule() {
    op=$1 table=$2 chain=$3
    shift 3
    $ipt -w 5 -C "$chain" -t "$table" "$@" || {
        [ $? = 1 ]
        $ipt -w 5 "$op" "$chain" -t "$table" "$@"
    }
}
