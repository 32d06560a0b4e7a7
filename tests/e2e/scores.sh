#!/usr/bin/env bash
# fairsweep scores on tables that people bring: every figure again in Python, and what is wrong with a table said with its line.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")

note "figures, recomputed in Python"
"$FAIRSWEEP_PYTHON" "$here/scores_oracle.py" write
for table in plain people folds half_blank half_named; do "$FAIRSWEEP" scores "$table.csv" --json >"$table.json"; done
"$FAIRSWEEP_PYTHON" "$here/scores_oracle.py" check
"$FAIRSWEEP" scores people.csv >table.txt && grep -q 'no bias' table.txt || die "no table"

note "distances, small groups, contradictions"
printf 'score,same,group\n%s\n' "$(for i in $(seq 40); do echo "$((i * 7 % 40 + i % 2 * 20)),$((i % 2)),A"; done)" >large.csv
[ "$("$FAIRSWEEP" scores large.csv --json | json 'd["average"] is None and d["groups"]["A"]["accuracy_10fold"] is None and d["groups"]["A"]["eer"] is not None and any("cosines" in w for w in d["warnings"])')" = True ] || die "scores that are no cosines"
printf 'group,same,score,identity_a,identity_b\nA,1,0.5,p,q\nA,0,0.1,p,q\n' >odd.csv
"$FAIRSWEEP" scores odd.csv --json | json '[w for w in d["warnings"] if w.startswith("identities contradict `same` in 1 pair (line 2)")][0]' >/dev/null || die "contradiction"

note "the same table in the ways people have it: the figures stay"
cases=$(cd "$here/cases" && pwd)
tail -n +2 "$cases/five_folds.csv" | awk -F, '{ print $2 "," $3 "," $4 }' >body.csv
same_figures() { "$FAIRSWEEP" scores "$@" --json >got.json; cmp got.json want.json || die "other figures: $*"; }
(echo group,same,score; cat body.csv) >plain_body.csv
"$FAIRSWEEP" scores plain_body.csv --json >want.json
[ "$(json 'abs(d["average"] - 89.5) < 1e-9 and abs(d["std"] - 3.0822) < 1e-4 and abs(d["ser"] - 1.875) < 1e-9' <want.json)" = True ] ||
    die "the figures of the table"
(echo group,same,score; sed -E 's/^([^,]*),([01]),/\1,\2.0,/' body.csv) >float.csv; same_figures float.csv
(printf '\xef\xbb\xbfGroup;Same;SCORE\r\n'; sed -E 's/,1,/;genuine;/; s/,0,/;impostor;/; s/$/\r/' body.csv) >excel.csv; same_figures excel.csv
(printf 'race\tlabel\tcosine\n'; tr , '\t' <body.csv) >names.tsv
same_figures names.tsv --columns group=race,same=label --columns score=cosine
(echo group,same,score,identity_a,identity_b; sed 's/$/,nan,/' body.csv) >nobody.csv; same_figures nobody.csv
same_figures "$cases/five_folds.csv" --columns fold=
(echo group,same,score; sed -E 's/^([^,]*),1,/\1,-1,/' body.csv) >minus.csv; expect 2 "minus.csv, line 2.*same = '-1'" "$FAIRSWEEP" scores minus.csv

note "five folds are five; a cosine beyond 1 is 1; distances are named"
"$FAIRSWEEP" scores "$cases/five_folds.csv" --json >folds5.json
[ "$(json 'd["average"] is not None and any("not over ten: 5" in w for w in d["warnings"]) and "fold column" in d["conventions"]["accuracy_10fold"]' <folds5.json)" = True ] ||
    die "five folds"
"$FAIRSWEEP_PYTHON" "$here/scores_oracle.py" five_folds "$cases/five_folds.csv"
(echo group,same,score; sed '5s/,[^,]*$/,1.0000001192092896/' body.csv) >over.csv
[ "$("$FAIRSWEEP" scores over.csv --json | json 'abs(d["average"] - 89.5) < 0.5 and abs(d["std"] - 3.1) < 0.5 and any(w.startswith("1 of 800 scores were up to 1e-5 beyond") for w in d["warnings"]) and any(" of 800 scores are 1:" in w for w in d["warnings"])')" = True ] ||
    die "a rounding beyond 1"
distances=$cases/cosine_distances.csv
expect 2 'these look like distances \(AUC 0.0[0-9]+ to 0.0[0-9]+ in every group\): give --distance' "$FAIRSWEEP" scores "$distances"
for kind in --distance --distance=cosine; do
    [ "$("$FAIRSWEEP" scores $kind "$distances" --json | json 'all(0.94 < g["auc"] < 0.976 for g in d["groups"].values()) and 85 < d["average"] < 95 and d["conventions"]["score"].startswith("similarity = 1 - distance (")')" = True ] ||
        die "$kind"
done
(echo group,same,score; tail -n +2 "$distances" | awk -F, '{ printf "%s,%s,%.17g\n", $1, $2, 1 - $3 }') >similar.csv
"$FAIRSWEEP" scores similar.csv --json | json '{k: v for k, v in d.items() if k not in ("conventions", "warnings")}' >similar.txt
"$FAIRSWEEP" scores --distance=cosine "$distances" --json | json '{k: v for k, v in d.items() if k not in ("conventions", "warnings")}' | cmp - similar.txt || die "1 - distance"
(echo group,same,score; tail -n +2 "$distances" | awk -F, '{ print $1 "," $2 "," 40 * $3 }') >far.csv
[ "$("$FAIRSWEEP" scores far.csv --distance --json | json 'all(0.94 < g["auc"] < 0.976 and g["accuracy_10fold"] is None for g in d["groups"].values()) and d["average"] is None and any("negated" in w for w in d["warnings"])')" = True ] ||
    die "distances of another kind"
expect 2 'at most 2' "$FAIRSWEEP" scores far.csv --distance=cosine
sed 's/,-/,/' plain_body.csv >positive.csv
expect 2 'these look like similarities.*leave --distance out' "$FAIRSWEEP" scores positive.csv --distance
expect 2 '--distance=squared' "$FAIRSWEEP" scores far.csv --distance=manhattan
[ "$("$FAIRSWEEP" scores "$distances" --allow-reversed --json | json 'd["warnings"][0].startswith("auc is below 0.5 in every group")')" = True ] || die "reversed as it is"
(head -401 "$distances"; tail -n +402 similar.csv) >mixed.csv
[ "$("$FAIRSWEEP" scores mixed.csv --json | json 'd["warnings"][0].startswith("auc is below 0.5 in some groups")')" = True ] || die "some groups reversed"

note "what is wrong with a table"
bad() { printf "$1" >bad.csv; expect 2 "bad.csv, line $2.*$3" "$FAIRSWEEP" scores bad.csv; }
printf '' >bad.csv; expect 2 'bad.csv *found: *an empty file' "$FAIRSWEEP" scores bad.csv
bad 'group,same\nA,1\n' 1 'no column score'
bad 'group,same,score,score\n' 1 'two columns score'
bad 'group,same,score,identity_a\nA,1,.5,p\n' 1 'both or none'
bad 'group,same,score\n' 1 'no scores'
bad 'group,same,score\nA,1,0.5\nA,perhaps,0.5\n' 3 'perhaps'
bad 'group,same,score\nA,1,nan\n' 2 'finite'
bad 'group,same,score\nA,1,0.5x\n' 2 '0.5x'
bad 'group,same,score\nA,1\n' 2 '2 fields'
bad 'group,same,score\n"A\nB",1,0.5\n"A,1,0.5\n' 4 'not closed'
printf 'group,same,score,fold\nA,1,0.5,1\nA,0,0.25,1\n' >bad.csv
expect 2 'bad.csv *found: *1 folds in group A' "$FAIRSWEEP" scores bad.csv
bad 'race,label,sim\nA,1,0.5\n' 1 'no column group, same, score in the first line: race, label, sim .*--columns group=race,same=label,score=sim'
expect 2 'absent.csv' "$FAIRSWEEP" scores absent.csv
