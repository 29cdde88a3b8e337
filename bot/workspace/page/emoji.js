// Slack's emoji names that a bot is likely to use, as characters. An unknown name stays as it was written.
const NAMES = `
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ heavy_multiplication_x ✖️ no_entry ⛔
no_entry_sign 🚫 warning ⚠️ rotating_light 🚨 bangbang ‼️ exclamation ❗ question ❓ grey_question ❔
information_source ℹ️ bulb 💡 bell 🔔 no_bell 🔕 mega 📣 loudspeaker 📢 alarm_clock ⏰ hourglass ⌛
hourglass_flowing_sand ⏳ stopwatch ⏱️ clock1 🕐 clock3 🕒 clock9 🕘 calendar 📅 date 📅 spiral_calendar_pad 🗓️
email 📧 e-mail 📧 envelope ✉️ incoming_envelope 📨 envelope_with_arrow 📩 outbox_tray 📤 inbox_tray 📥 mailbox 📫
mailbox_with_mail 📬 postbox 📮 link 🔗 paperclip 📎 pushpin 📌 round_pushpin 📍 memo 📝 pencil 📝 pencil2 ✏️
clipboard 📋 page_facing_up 📄 page_with_curl 📃 bookmark_tabs 📑 books 📚 book 📖 mag 🔍 mag_right 🔎 key 🔑
lock 🔒 unlock 🔓 closed_lock_with_key 🔐 shield 🛡️ gear ⚙️ wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ toolbox 🧰
arrow_right ➡️ arrow_left ⬅️ arrow_up ⬆️ arrow_down ⬇️ arrow_forward ▶️ fast_forward ⏩ rewind ⏪ repeat 🔁
arrows_counterclockwise 🔄 leftwards_arrow_with_hook ↩️ back 🔙 soon 🔜 new 🆕 ok 🆗 sos 🆘 up 🆙 zap ⚡ fire 🔥
sparkles ✨ star ⭐ star2 🌟 tada 🎉 confetti_ball 🎊 rocket 🚀 checkered_flag 🏁 triangular_flag_on_post 🚩 dart 🎯
red_circle 🔴 large_orange_circle 🟠 large_yellow_circle 🟡 large_green_circle 🟢 green_circle 🟢 large_blue_circle 🔵
white_circle ⚪ black_circle ⚫ large_blue_square 🟦 large_green_square 🟩 large_yellow_square 🟨 red_square 🟥
white_square ⬜ black_square ⬛ white_large_square ⬜ black_large_square ⬛ heavy_plus_sign ➕ heavy_minus_sign ➖
one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ six 6️⃣ seven 7️⃣ eight 8️⃣ nine 9️⃣ keycap_ten 🔟 zero 0️⃣
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 wave 👋 pray 🙏 clap 👏 raised_hands 🙌 muscle 💪 point_right 👉 point_down 👇
point_up ☝️ eyes 👀 thinking_face 🤔 slightly_smiling_face 🙂 smile 😄 sweat_smile 😅 bow 🙇 robot_face 🤖
busts_in_silhouette 👥 bust_in_silhouette 👤 computer 💻 desktop_computer 🖥️ globe_with_meridians 🌐 earth_asia 🌏
satellite_antenna 📡 cloud ☁️ sunny ☀️ crescent_moon 🌙 night_with_stars 🌃 office 🏢 house 🏠 construction 🚧
chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 traffic_light 🚦 vertical_traffic_light 🚦
speech_balloon 💬 thought_balloon 💭 left_speech_bubble 🗨️ heart ❤️ green_heart 💚 blue_heart 💙 100 💯
double_vertical_bar ⏸️ black_square_for_stop ⏹️ radio_button 🔘 small_blue_diamond 🔹 small_orange_diamond 🔸 recycle ♻️
package 📦 wastebasket 🗑️ file_folder 📁 open_file_folder 📂 card_index_dividers 🗂️ telephone_receiver 📞 iphone 📱
jp 🇯🇵 us 🇺🇸 sweat_drops 💦 boom 💥 mute 🔇 sound 🔉 hand ✋ raised_hand ✋ ok_hand 👌 handshake 🤝
`;
const MAP = new Map(NAMES.trim().split(/\s+/).flatMap((word, index, all) => (index % 2 ? [] : [[word, all[index + 1]]])));

export function emojiOf(name) {
  return MAP.get(name.split("::")[0]) || null;
}

// Drawings on a 20x20 grid for the signs that matter most: [fill or "", stroke or "", path], painted in order.
const round = "M4 1h12q3 0 3 3v12q0 3-3 3H4q-3 0-3-3V4q0-3 3-3z";
const disc = "M10 1.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z";
const white = "#fff", ink = "#4a4a4a";
const coloured = (fill) => [[fill, "", disc]];
const tile = (fill, path) => [[fill, "", round], ["", white, path]];
const SHAPES = {
  "✅": tile("#2bac76", "M5 10.5 8.5 14 15 6.5"),
  "❌": [["", "#e0245e", "M4 4l12 12M16 4 4 16"]],
  "⚠": [["#f4bd3b", "", "M10 1.5 19.5 18H.5z"], ["", "#3c2f05", "M10 7v5.5M10 15.2v.1"]],
  "❔": [["#8d9aa5", "", disc], ["", white, "M7.4 7.6a2.6 2.6 0 1 1 3.8 2.3q-1.2.7-1.2 2M10 14.8v.1"]],
  "❗": [["", "#e0245e", "M10 3v9M10 16.5v.1"]],
  "🚨": [["#e0245e", "", "M4 15V11a6 6 0 0 1 12 0v4z"], ["#5b6770", "", "M2.5 15h15v3.5h-15z"], ["", "#f4bd3b", "M10 1v1.5M3 4l1 1M17 4l-1 1"]],
  "🚫": [["", "#e0245e", "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM4.8 4.8l10.4 10.4"]],
  "↩": tile("#3b88c3", "M8 5 4.5 8.5 8 12M5 8.5h6.5a3 3 0 0 1 0 6H8"),
  "🔄": tile("#3b88c3", "M5 9a5 5 0 0 1 9-2.2V4.5M14 7h-2.4M15 11a5 5 0 0 1-9 2.2v2.3M6 13h2.4"),
  "➡": tile("#3b88c3", "M4.5 10h11M11 5.5l4.5 4.5-4.5 4.5"),
  "⏭": tile("#3b88c3", "M4.5 6l4.5 4-4.5 4zM9.5 6l4.5 4-4.5 4zM15.5 6v8"),
  "⏳": [["#f7e0a4", ink, "M5 2.5h10M5 17.5h10M6 2.5c0 4 4 5 4 7.5s-4 3.5-4 7.5M14 2.5c0 4-4 5-4 7.5s4 3.5 4 7.5"]],
  "⌛": [["#f7e0a4", ink, "M5 2.5h10M5 17.5h10M6 2.5c0 4 4 5 4 7.5s-4 3.5-4 7.5M14 2.5c0 4-4 5-4 7.5s4 3.5 4 7.5"]],
  "🕒": [[white, ink, "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM10 5.5V10h4"]],
  "⏰": [[white, "#e0245e", "M10 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 7.5V11h3M3 5l2.5-2.5M17 5l-2.5-2.5"]],
  "🔎": [["#d5e9f7", ink, "M8.5 2.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM13 13l5 5"]],
  "🔍": [["#d5e9f7", ink, "M8.5 2.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM13 13l5 5"]],
  "🔔": [["#f4bd3b", "", "M10 2.5a5.5 5.5 0 0 1 5.5 5.5c0 4 2 5 2 7h-15c0-2 2-3 2-7A5.5 5.5 0 0 1 10 2.5z"], ["", "#b27d0c", "M8.5 17.5h3"]],
  "🏁": [["", ink, "M4 2v16"], ["#fff", ink, "M4 3h13v8H4z"], ["#4a4a4a", "", "M4 3h4.3v2.7H4zM12.6 3H17v2.7h-4.4zM8.3 5.7h4.3v2.6H8.3zM4 8.3h4.3V11H4zM12.6 8.3H17V11h-4.4z"]],
  "🎉": [["#f4bd3b", "", "M2 18 6 7l7 7z"], ["", "#e0245e", "M9 6c0-2 2-1.5 2-3.5M14 11c2 0 1.5-2 3.5-2"], ["", "#3b88c3", "M12 8l4-4M15.5 13.5v.1M6 3.5v.1"]],
  "👍": [["#f4bd3b", "#b27d0c", "M6.5 9 10 2.5q2.5 0 2 3l-.4 2.5H16q1.5 0 1.2 1.6l-1 6q-.3 1.4-1.7 1.4h-8zM2.5 9h4v8h-4z"]],
  "🙏": [["#f4bd3b", "#b27d0c", "M10 2v13M10 3q-2.5 0-2.5 3v4L4 14l3 4q3-.5 3-3M10 3q2.5 0 2.5 3v4L16 14l-3 4q-3-.5-3-3"]],
  "👋": [["#f4bd3b", "#b27d0c", "M5 9 8 6l1-3 1.5.8V7l3-4 1.3 1L12.5 8l3.5-3 1 1.3L14 10l3-1.5.8 1.4-4.8 6q-4 3.5-7 .2-2-3-1-7.1z"]],
  "➖": [["", ink, "M3.5 10h13"]],
  "➕": [["", ink, "M3.5 10h13M10 3.5v13"]],
  "⬜": [[white, "#9aa4ab", "M3 3h14v14H3z"]],
  "☑": [[white, "#3b88c3", "M3 3h14v14H3zM6 10.5 9 13.5 14.5 6.5"]],
  "💡": [["#f4d35e", "#b27d0c", "M10 1.5a5.5 5.5 0 0 1 3 10V14H7v-2.5a5.5 5.5 0 0 1 3-10zM7.5 16.5h5M8.5 18.5h3"]],
  "📌": [["#e0245e", "#8d1239", "M7 2h6l-.5 6 3 3.5h-11L7.5 8zM10 11.5V18.5"]],
  "📅": [[white, "#9aa4ab", "M2.5 4h15v13.5h-15z"], ["#e0245e", "", "M2.5 3h15v4h-15z"], ["", ink, "M6 10.5h.1M10 10.5h.1M14 10.5h.1M6 14h.1M10 14h.1"]],
  "📝": [[white, "#9aa4ab", "M3 2h12v16H3z"], ["", ink, "M5.5 6h7M5.5 9h7M5.5 12h3"], ["", "#f4902d", "M17.5 7 10 14.5"]],
  "📋": [["#c79b6b", "", "M3 3h14v15.5H3z"], [white, "", "M5 5.5h10v11H5z"], ["", ink, "M7 8.5h6M7 11h6M7 13.5h4"], ["#8d9aa5", "", "M7 1.5h6v3.5H7z"]],
  "✉": [[white, ink, "M2 4.5h16v11.5H2zM2 5l8 6.5L18 5"]],
  "📧": [[white, ink, "M2 4.5h16v11.5H2zM2 5l8 6.5L18 5"]],
  "🔒": [["#f4bd3b", "", "M4 9h12v9H4z"], ["", ink, "M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9"]],
  "👀": [[white, ink, "M6 4q3 0 3 6t-3 6-3-6 3-6zM14 4q3 0 3 6t-3 6-3-6 3-6z"], [ink, "", "M5 10.5a1.5 2 0 1 0 3 0 1.5 2 0 0 0-3 0M13 10.5a1.5 2 0 1 0 3 0 1.5 2 0 0 0-3 0"]],
  "ℹ": tile("#3b88c3", "M10 9v6M10 5.2v.1"),
  "🔴": coloured("#dd2e44"), "🟡": coloured("#fdcb58"), "🟢": coloured("#55b36b"), "🔵": coloured("#3b88c3"),
  "🟠": coloured("#f4902d"), "⚫": coloured("#31373d"), "⚪": [["#fff", "#b6bfc5", "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z"]],
};
export const DRAWN = new RegExp(`((?:${Object.keys(SHAPES).join("|")})\\uFE0F?)`, "u");

const drawn = new Map();

// The picture of a character as a data address, or null.
export function drawing(character) {
  const key = character.replace("\uFE0F", "");
  if (!Object.hasOwn(SHAPES, key)) return null;
  if (!drawn.has(key)) {
    const paths = SHAPES[key].map(([fill, stroke, d]) =>
      `<path d='${d}' fill='${fill || "none"}' stroke='${stroke || "none"}' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'/>`);
    const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'>${paths.join("")}</svg>`;
    drawn.set(key, `data:image/svg+xml,${encodeURIComponent(svg)}`);
  }
  return drawn.get(key);
}
