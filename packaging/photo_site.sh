#!/bin/bash
# Draws the photo site that the six Apache servers of the demo and of the system tests serve. Idempotent: a site that
# was drawn by this very script is kept.
#
#   packaging/photo_site.sh DIR
#
# DIR gets: index.html, photo/NAME.html, i/NAME-{400,800,1600}.jpg, style.css, big.bin (64 MiB, sparse), robots.txt
set -euo pipefail

if [ $# != 1 ]; then
  echo "usage: photo_site.sh DIR" >&2
  exit 2
fi
dir=$1
stamp=$dir/.drawn-by
self=$(cksum <"${BASH_SOURCE[0]}")
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$self" ]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

is_jpeg() {
  [ -s "$1" ] && [ "$(head -c 3 "$1" | od -An -tx1 | tr -d ' ')" = ffd8ff ] && [ "$(tail -c 2 "$1" | od -An -tx1 | tr -d ' ')" = ffd9 ]
}

# Something that is called convert need not be ImageMagick's: only one that writes a JPEG file is taken.
find_convert() {
  local candidate
  for candidate in /usr/bin/convert convert /usr/bin/convert-im6.q16 magick; do
    if ! command -v "$candidate" >/dev/null; then continue; fi
    rm -f "$work/probe.jpg"
    if "$candidate" -size 16x16 gradient:red-blue "$work/probe.jpg" >/dev/null 2>&1 && is_jpeg "$work/probe.jpg"; then
      echo "$candidate"
      return
    fi
  done
  echo "photo_site.sh: no ImageMagick that writes JPEG: install the package imagemagick" >&2
  return 1
}
convert=$(find_convert)

# name | title | place | sky top | sky bottom | paint | shade of the paint | seed
photos=(
  "coast-road|Coast road, first light|Zandvoort|#22385f|#f3a76b|#c8102e|#8c0b20|11"
  "harbour-blue|Harbour, after rain|Rotterdam|#3a4a5c|#b9c7cf|#1d4e9e|#12336b|12"
  "tunnel-exit|Tunnel exit at dusk|Monaco|#1b1430|#d9648a|#f2b705|#b38600|13"
  "museum-square|Museum square|Amsterdam|#4a86c5|#dcebf5|#e8e8e4|#a9a9a4|14"
  "bankside|Bankside, noon|Frankfurt|#2f7fc1|#cfe8f7|#1f7a4d|#12502f|15"
  "paddock|Paddock, Sunday|Spa|#5b6770|#c9ced1|#ff5a1f|#b33a0f|16"
  "lake-pass|Above the lake|Como|#2a6f97|#f1e3c6|#6a1b4d|#43102f|17"
  "night-meet|Night meet|Antwerp|#05060f|#27365e|#00a3a3|#006a6a|18"
  "alley|The alley behind the opera|Milan|#7a6248|#eadfc8|#2b2b2e|#131315|19"
  "snow-line|At the snow line|Chamonix|#6f9fc8|#f7fafc|#b3202a|#741219|20"
  "old-town|Old town, market day|Ghent|#6b8fb3|#f5e9d0|#3f6f3a|#274824|21"
  "airfield|Airfield, long shadows|Goodwood|#355c7d|#f8b195|#d4d9dd|#8f969b|22"
)

# draw_photo NAME SKY_TOP SKY_BOTTOM PAINT SHADE SEED: a car on a road before hills, with the grain of a real photo so
# that the file is as large as one.
draw_photo() {
  local out=$work/site/i/$1
  "$convert" -seed "$6" -size 1600x720 "gradient:$2-$3" \
    \( -size 1600x380 "gradient:#4b4b4d-#1f1f21" \) -append -crop 1600x1067+0+0 +repage \
    -fill "${3}66" -draw "path 'M 0,640 C 240,470 420,560 640,600 C 900,480 1120,430 1600,610 L 1600,730 L 0,730 Z'" \
    -fill "${2}99" -draw "path 'M 0,690 C 300,600 560,680 820,660 C 1100,620 1320,600 1600,680 L 1600,730 L 0,730 Z'" \
    -fill '#e8e2cc' -draw "polygon 60,935 360,935 340,950 30,950" -draw "polygon 640,935 960,935 960,950 630,950" \
    -draw "polygon 1240,935 1540,935 1570,950 1255,950" \
    -fill '#00000077' -draw "ellipse 800,880 560,36 0,360" \
    -fill "$4" -draw "path 'M 270,850 C 250,760 300,710 420,690 L 600,672 C 680,575 760,548 900,548 C 1030,548 1110,590 1190,668 C 1290,680 1350,710 1360,780 L 1356,850 Z'" \
    -fill "$5" -draw "path 'M 262,812 L 1360,800 L 1356,850 L 270,850 Z'" \
    -fill '#16202b' -draw "path 'M 640,668 C 705,598 770,572 850,570 L 850,668 Z'" \
    -draw "path 'M 872,570 C 990,566 1060,596 1130,662 L 872,668 Z'" \
    -fill '#ffffff44' -draw "path 'M 660,656 C 715,600 775,582 830,580 L 790,656 Z'" \
    -fill '#0c0c0d' -draw "circle 470,850 470,935" -draw "circle 1160,850 1160,935" \
    -fill '#c9ccd0' -draw "circle 470,850 470,902" -draw "circle 1160,850 1160,902" \
    -fill '#3a3c40' -draw "circle 470,850 470,866" -draw "circle 1160,850 1160,866" \
    -fill '#fff6d0' -draw "ellipse 312,748 34,16 0,360" -fill '#d81e2c' -draw "ellipse 1344,742 14,22 0,360" \
    \( -size 400x267 plasma:fractal -resize 1600x1067! -modulate 100,30 \) -compose softlight -composite \
    -attenuate 0.25 +noise Gaussian -quality 84 -sampling-factor 2x2 -strip "$out-1600.jpg"
  "$convert" "$out-1600.jpg" -resize 800x -quality 82 -strip "$out-800.jpg"
  "$convert" "$out-800.jpg" -resize 400x -quality 80 -strip "$out-400.jpg"
  for size in 400 800 1600; do
    if ! is_jpeg "$out-$size.jpg"; then
      echo "photo_site.sh: $convert did not write a whole JPEG file for $1" >&2
      return 1
    fi
  done
}

page_head() {
  cat <<HTML
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$1</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><a href="/">Kerbside</a><span>cars, where they were seen</span></header>
HTML
}

page_foot() {
  cat <<'HTML'
<footer>Drawn for the demonstration of Shellac. <a href="/whoami">Which server answered?</a></footer>
</body>
</html>
HTML
}

picture() {
  cat <<HTML
<picture>
<source media="(max-width: 480px)" srcset="/i/$1-400.jpg">
<source media="(max-width: 1100px)" srcset="/i/$1-800.jpg">
<img src="/i/$1-$3.jpg" alt="$2" width="$3" height="$(($3 * 2 / 3))" loading="lazy">
</picture>
HTML
}

write_pages() {
  local row name title place
  {
    page_head "Kerbside: cars, where they were seen"
    echo '<main class="wall">'
    for row in "${photos[@]}"; do
      IFS='|' read -r name title place _ <<<"$row"
      echo "<a class=\"card\" href=\"/photo/$name.html\">"
      picture "$name" "$title" 800
      echo "<b>$title</b><i>$place</i></a>"
    done
    echo '</main>'
    page_foot
  } >"$work/site/index.html"
  for row in "${photos[@]}"; do
    IFS='|' read -r name title place _ <<<"$row"
    {
      page_head "$title, $place"
      echo '<main class="one"><figure>'
      picture "$name" "$title" 1600
      echo "<figcaption><b>$title</b><i>$place</i></figcaption></figure></main>"
      page_foot
    } >"$work/site/photo/$name.html"
  done
}

write_style() {
  cat >"$work/site/style.css" <<'CSS'
:root { color-scheme: light dark; --ink: #1b1d21; --paper: #f6f4ef; --soft: #6d6f75; }
@media (prefers-color-scheme: dark) { :root { --ink: #ecebe6; --paper: #141518; --soft: #9a9ca3; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, footer { max-width: 1240px; margin: 0 auto; padding: 1.6rem 1.2rem; display: flex; gap: 1rem; align-items: baseline; }
header a { font: 700 1.7rem/1 Georgia, serif; color: inherit; text-decoration: none; }
header span, footer, i { color: var(--soft); font-style: normal; }
footer a { color: inherit; }
.wall { max-width: 1240px; margin: 0 auto; padding: 0 1.2rem; display: grid; gap: 1.4rem; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); }
.card { color: inherit; text-decoration: none; display: grid; gap: .1rem; }
img { width: 100%; height: auto; display: block; border-radius: 6px; }
.card img { aspect-ratio: 3 / 2; object-fit: cover; transition: filter .2s; }
.card:hover img { filter: brightness(1.08); }
.card b { margin-top: .5rem; }
.one { max-width: 1240px; margin: 0 auto; padding: 0 1.2rem; }
figure { margin: 0; }
figcaption { display: flex; gap: 1rem; padding: .8rem 0; }
CSS
}

# Sparse, yet no two MiB of it are alike: a body that is cut, shifted or mixed up does not compare equal.
write_big_file() {
  local mib
  truncate -s 64M "$work/site/big.bin"
  for ((mib = 0; mib < 64; mib++)); do
    printf 'MiB %03d of 064.' "$mib" | dd of="$work/site/big.bin" bs=1M seek="$mib" conv=notrunc status=none
  done
}

mkdir -p "$work/site/i" "$work/site/photo"
jobs_at_once=$(nproc)
pids=()
for row in "${photos[@]}"; do
  IFS='|' read -r name _ _ top bottom paint shade seed <<<"$row"
  draw_photo "$name" "$top" "$bottom" "$paint" "$shade" "$seed" &
  pids+=($!)
  if [ ${#pids[@]} -ge "$jobs_at_once" ]; then
    wait "${pids[0]}"
    pids=("${pids[@]:1}")
  fi
done
for pid in "${pids[@]}"; do wait "$pid"; done
write_pages
write_style
write_big_file
printf 'User-agent: *\nAllow: /\n' >"$work/site/robots.txt"
echo "$self" >"$work/site/.drawn-by"

mkdir -p "$dir"
cp -R --sparse=always "$work/site/." "$dir/"
chmod -R a+rX "$dir"
