#!/usr/bin/env bash
# fairsweep evaluate on embedding files and pair lists as people have them: the same pairs give the same figures, or a message
# says what is wrong.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$FAIRSWEEP_PYTHON" "$(dirname "${BASH_SOURCE[0]}")/embedding_cases.py"
evaluate() { "$FAIRSWEEP" evaluate --embeddings "$1.h5" --pairs "A=$2_pairs.txt" "${@:3}"; }
perfect='d["groups"]["A"] == {"pairs": 40, "genuine": 20, "impostor": 20, "accuracy_10fold": 100.0, "eer": 0.0, "auc": 1.0}'
right() { # right EMBEDDINGS PAIRS [EXPRESSION]
    [ "$(evaluate "$1" "$2" --json | json "$perfect and (${3:-True})")" = True ] || die "$2 pairs on $1 embeddings"
}

note "lists of pairs in every form"
for list in tab bom crlf comma semicolon header10 words label deep; do right base $list; done
right base label 'not any("identities" in w for w in d["warnings"])'
right spacename spacename
right nfd nfc
right base promised 'any("promises 6000 pairs, and 40 follow" in w for w in d["warnings"])'
right flat flat 'any("one folder per person" in w for w in d["warnings"]) and any("identities are not known" in w for w in d["warnings"])'

note "paths in every form"
for file in noext winpath; do right $file tab; right $file label; done

note "what is odd is reported"
[ "$(evaluate base twice --json | json 'len([w for w in d["warnings"] if w.startswith(("1 pair (pair 43 of group A) of an image with itself", "2 pairs (first: pair 41"))])')" = 2 ] ||
    die "repeated pairs"
(cp tab_pairs.txt B_pairs.txt; "$FAIRSWEEP" evaluate --embeddings base.h5 --pairs tab_pairs.txt B_pairs.txt) >two.txt && grep -q '4 of 4 identities stand in more than one group' two.txt ||
    die "identities of two groups"

note "what is wrong is said with its place"
expect 2 'nanrow.h5, row 0 .m.0abc/m.0abc_0001.jpg.*NaN' evaluate nanrow tab
expect 2 'zerorow.h5, row 0 .m.0abc/m.0abc_0001.jpg.*zeros only' evaluate zerorow tab
expect 2 'infrow.h5, row 0 .m.0abc/m.0abc_0001.jpg.*infinite' evaluate infrow tab
expect 2 'empty_pairs.txt.*no pair' evaluate base empty
expect 2 'utf16_pairs.txt.*UTF-16' evaluate base utf16
expect 2 'one person twice.*contradiction_pairs.txt, line 41' evaluate base contradiction
expect 2 'absent_pairs.txt, line 1.*m.0abc/m.0abc_0009 among 20 paths, such as m.0abc/m.0abc_0001.jpg' evaluate base absent
# An absent image must not be found as another of its person, whose path has no extension.
expect 2 'absent_pairs.txt, line 1.*no path' evaluate noext absent
expect 2 'tab_pairs.txt, line 1.*several paths' evaluate both tab
expect 2 "group name 'C.xe4'" "$FAIRSWEEP" evaluate --embeddings base.h5 --pairs $'C\xe4=tab_pairs.txt'
