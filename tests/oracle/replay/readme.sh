#!/bin/sh
# Puts a run's table into README.md between the two markers of its name: readme.sh FOLDER/NAME.md
set -eu
table=$1
name=$(basename "$table" .md)
cd "$(dirname "$0")/../../.."
begin="<!-- $name: begin -->" end="<!-- $name: end -->"
if ! grep -qxF -- "$begin" README.md || ! grep -qxF -- "$end" README.md; then
    echo "README.md lacks the lines '$begin' and '$end'" >&2
    exit 1
fi
awk -v begin="$begin" -v end="$end" -v table="$table" '
    $0 == end { inside = 0 }
    !inside
    $0 == begin { inside = 1; while ((getline line < table) > 0) print line }
' README.md >README.md.new
if cmp -s README.md README.md.new; then
    rm README.md.new
else
    mv README.md.new README.md
fi
