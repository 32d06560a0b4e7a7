#!/usr/bin/env bash
# fairsweep scores on tables that people bring: every figure again in Python, and what is wrong with a table said with its line.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")

note "figures, recomputed in Python"
"$FAIRSWEEP_PYTHON" "$here/scores_oracle.py" write
for table in plain people folds; do "$FAIRSWEEP" scores "$table.csv" --json >"$table.json"; done
"$FAIRSWEEP_PYTHON" "$here/scores_oracle.py" check
"$FAIRSWEEP" scores people.csv | grep -q 'no bias' || die "no table"

note "distances, small groups, contradictions"
printf 'score,same,group\n%s\n' "$(for i in $(seq 40); do echo "$((i * 7 % 40)),$((i % 2)),A"; done)" >large.csv
[ "$("$FAIRSWEEP" scores large.csv --json | json 'd["average"] is None and d["groups"]["A"]["accuracy_10fold"] is None and d["groups"]["A"]["eer"] is not None and any("cosines" in w for w in d["warnings"])')" = True ] || die "scores that are no cosines"
printf 'group,same,score,identity_a,identity_b\nA,1,0.5,p,q\nA,0,0.1,p,q\n' >odd.csv
"$FAIRSWEEP" scores odd.csv --json | json '[w for w in d["warnings"] if w.startswith("1 pairs are the same")][0]' >/dev/null || die "contradiction"

note "what is wrong with a table"
bad() { printf "$1" >bad.csv; expect 2 "bad.csv, line $2.*$3" "$FAIRSWEEP" scores bad.csv; }
bad '' 0 'empty file'
bad 'group,same\nA,1\n' 1 'no column score'
bad 'group,same,score,score\n' 1 'two columns score'
bad 'group,same,score,identity_a\nA,1,.5,p\n' 1 'both or none'
bad 'group,same,score\n' 1 'no scores'
bad 'group,same,score\nA,1,0.5\nA,perhaps,0.5\n' 3 'perhaps'
bad 'group,same,score\nA,1,nan\n' 2 'finite'
bad 'group,same,score\nA,1,0.5x\n' 2 '0.5x'
bad 'group,same,score\nA,1\n' 2 '2 fields'
bad 'group,same,score\n"A\nB",1,0.5\n"A,1,0.5\n' 4 'not closed'
bad 'group,same,score,fold\nA,1,0.5,1\nA,0,0.5,2\n' 3 '2 folds in group A'
expect 2 'absent.csv' "$FAIRSWEEP" scores absent.csv
