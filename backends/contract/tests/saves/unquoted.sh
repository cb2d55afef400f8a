#!/bin/sh
# Rules for `unquoted-ip.save`, which iptables-restore cannot read back: newlines within a comment, and
# names that iptables prints without the quotes they were given in. By the iptables named $1.
set -eu
"$1" -N 'a"b'
"$1" -N '"'
"$1" -A INPUT -m comment --comment "$(printf 'two\n-A INPUT -j DROP\nlines, and a "quote"\nCOMMIT')" -j ACCEPT
"$1" -A INPUT -m comment --comment "$(printf 'cr\r tab\t')" -j DROP
"$1" -A INPUT -m string --algo bm --string "$(printf 'a\nb')" -j DROP
"$1" -A INPUT -j LOG --log-prefix "$(printf 'a\tb')"
"$1" -A INPUT -i 'a"b' -j 'a"b'
"$1" -A INPUT -i '"x' -j '"'
"$1" -A INPUT -i 'a b' -g 'a"b'
"$1" -A INPUT -i 'a -j DROP'
"$1" -A INPUT -m recent --name 'x -j DROP' --set
"$1" -A INPUT -m recent --name 'x -j DROP' --set -j ACCEPT
"$1" -A INPUT -m recent --name 'x -j LOG' --set -m comment --comment '-j' -j '"'
