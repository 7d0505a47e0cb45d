//! One picture for the README: CPU of a request, in that of the native server.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 110.0;
const ROW: f64 = 28.0;

/// A bar a route.
pub fn bars(ratios: &[(String, f64)]) -> String {
    let most = ratios.iter().map(|(_, ratio)| *ratio).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - 60.0) / most;
    let height = ROW * (ratios.len() as f64 + 1.5);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#666\">\n\
         <text x=\"{LEFT}\" y=\"18\">CPU of a request, in that of a native server (the line)</text>\n"
    );
    for (index, (name, ratio)) in ratios.iter().enumerate() {
        let y = ROW * (index as f64 + 1.0);
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{:.0}\" height=\"18\" rx=\"3\" fill=\"#2f9e6e\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\">{ratio:.1}×</text>",
            LEFT - 8.0,
            y + 14.0,
            ratio * scale,
            LEFT + ratio * scale + 6.0,
            y + 14.0,
        );
    }
    let line = LEFT + scale;
    let _ = writeln!(
        svg,
        "<line x1=\"{line:.0}\" x2=\"{line:.0}\" y1=\"{ROW}\" y2=\"{height:.0}\" stroke=\"#c33\"/>\n</svg>"
    );
    svg
}
