#!/usr/bin/python3
"""What scripts/neighbours makes of the events of a service, and of what nft monitor tells."""
import json
import re
import sys

OURS = re.compile(r"KUBE-|CHAINKEEPER-")


def gaps():
    """What was taken, for how long, by whom: three columns."""
    found = [event for event in map(json.loads, sys.stdin) if event["event"] == "gap"]
    took = {("ip" if t["family"] == "ipv4" else "ip6", t["table"], t["chain"]) for e in found for t in e["took"]}
    tables = len({(family, table) for family, table, _ in took})
    who = sorted({c["name"] for e in found for b in e["by"] for c in b["any_of"]})
    ms = [str(round(e["outcome"]["gap_ms"])) for e in found]
    took = f"{len(took)} chains, {tables} tables" if took else "nothing"
    print(took, "|", " + ".join(ms) or "-", "|", ", ".join(who) or "-")


def notes():
    """How many gaps and yields, in words."""
    events = [json.loads(line) for line in sys.stdin]
    found = [e for e in events if e["event"] == "gap"]
    longest = max((e["outcome"].get("gap_ms", 0) for e in found), default=0)
    yields = sum(e["event"] == "yielded" for e in events)
    print(f"{len(found)} gaps, the longest {longest / 1000:.1f} s, {yields} yields")


def theirs():
    """Each change by us of what is not ours; exit code 1 if there is one, or none of ours at all."""
    rules, bases, batch, commits, bad = {}, set(), [], 0, []
    for line in map(str.strip, sys.stdin):
        if not line.startswith("# new generation"):
            batch.append(line)
            continue
        us = re.search(r"\((keeper|chainkeeper)\)$", line)
        commits += bool(us)
        for change in batch:
            changed, text = told(change, rules, bases)
            if us and changed and not OURS.search(text):
                bad.append(f"{line}: {change}: {text}")
        batch = []
    print(f"{commits} commits of ours, {len(bad)} changes of what is not", *bad, sep="\n")
    return bool(bad) or not commits


def told(change, rules, bases):
    """Whether something of a chain changed, and what it says; known rules and base chains are kept up to date."""
    if change[:1] in "<>":
        return True, change
    word, kind, *names = change.split()
    if kind == "rule":
        family, table, chain = names[:3]
        handle = change.rsplit("handle ", 1)[-1]
        if word == "delete":
            text = rules.pop((family, table, handle), "a rule that was never told of")
        else:
            text = rules[family, table, handle] = change
        return True, f"{chain} {text}"
    if kind == "chain":
        base = tuple(names[:3])
        new = word != "delete" and base not in bases
        (bases.add if word != "delete" else bases.discard)(base)
        # A base chain that is missing is made, as iptables would.
        return not (new and "policy accept" in change), change
    return kind != "table" or word == "delete", change


if __name__ == "__main__":
    sys.exit({"gaps": gaps, "notes": notes, "theirs": theirs}[sys.argv[1]]())
