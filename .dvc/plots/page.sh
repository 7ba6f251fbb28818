#!/usr/bin/env bash
# Writes page.html, the frame of `dvc plots show` and `dvc plots diff`: DVC's own one loads Vega from a CDN, this one
# holds it. The versions are the last that draw the Vega-Lite 5 of the templates here; npm checks what it downloads.
set -euo pipefail
cd "$(dirname "$0")"
packages=(vega@5.33.1 vega-lite@5.23.0 vega-embed@6.29.0)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
    cat <<HTML
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>medcnn: plots</title>
<style>
body { margin: 1.5rem; font-family: system-ui, sans-serif; }
body > div.vega-embed { display: block; width: fit-content; margin-bottom: 2.5rem; }
</style>
<!-- ${packages[*]}, by page.sh from npm. Their licence is BSD-3-Clause:
HTML
    for package in "${packages[@]}"; do
        name=${package%@*}
        archive=$(npm pack --silent --pack-destination "$work" "$package")
        mkdir "$work/$name"
        tar --extract --gzip --file "$work/$archive" --directory "$work/$name" --strip-components 1
    done
    cat "$work/vega-lite/LICENSE"
    echo "-->"
    for package in "${packages[@]}"; do
        name=${package%@*}
        echo "<script>"
        # A map that is not there would be asked for when the browser's tools are open.
        sed '/^\/\/# sourceMappingURL=/d' "$work/$name/build/$name.min.js"
        echo "</script>"
    done
    cat <<'HTML'
</head>
<body>
{plot_divs}
</body>
</html>
HTML
} >"$work/page.html"
mv "$work/page.html" page.html
