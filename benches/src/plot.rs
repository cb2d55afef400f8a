//! Plots as SVG: ours dark green, others' grey, the floor ochre; each named, too.
mod bars;
mod lines;

use crate::result::{Plot, Who};
use anyhow::{Context as _, anyhow};
use plotters::prelude::*;
use std::path::Path;

const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);
const FAINT: RGBColor = RGBColor(0xd8, 0xde, 0xe4);
const FONT: &str = "sans-serif";
const WIDTH: u32 = 860;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Into the folder, by its name.
pub(crate) fn draw(plot: &Plot, folder: &Path) -> anyhow::Result<()> {
    let height = match plot {
        Plot::Bars { bars, .. } => bars::height(bars.len()),
        Plot::Lines { .. } => lines::HEIGHT,
    };
    let file = folder.join(format!("{}.svg", plot.name()));
    let area = SVGBackend::new(&file, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE).map_err(|e| anyhow!("{e}"))?;
    let drawn = match plot {
        Plot::Bars { title, unit, bars, .. } => bars::draw(&area, title, unit, bars),
        Plot::Lines { title, x, y, lines, .. } => lines::draw(&area, title, [x, y], lines),
    };
    drawn
        .and_then(|()| area.present().map_err(|e| anyhow!("{e}")))
        .with_context(|| file.display().to_string())
}

fn colour(who: Who) -> RGBColor {
    match who {
        Who::Ours => RGBColor(0x0b, 0x6e, 0x4f),
        Who::Theirs => RGBColor(0x8c, 0x95, 0x9f),
        Who::Floor => RGBColor(0xc6, 0x8a, 0x1d),
    }
}

/// A scale from a power of ten to another, over so many pixels.
struct Decades {
    least: i32,
    most: i32,
    from: i32,
    to: i32,
}

impl Decades {
    /// That holds all of these; what is not above zero is left out.
    fn over(values: impl Iterator<Item = f64>, (from, to): (i32, i32)) -> Decades {
        let logs: Vec<f64> = values.filter(|v| v.is_finite() && *v > 0.0).map(f64::log10).collect();
        let least = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The least of them is to be seen, too.
        let least = if least.is_finite() { (least - 0.1).floor() as i32 } else { 0 };
        let most = if most.is_finite() { most.ceil() as i32 } else { 1 };
        Decades { least, most: most.max(least + 1), from, to }
    }

    fn pixel(&self, value: f64) -> i32 {
        let share = (value.log10() - f64::from(self.least)) / f64::from(self.most - self.least);
        self.from + (f64::from(self.to - self.from) * share.clamp(0.0, 1.0)) as i32
    }

    /// Where each power of ten is, and what to write there.
    fn ticks(&self) -> impl Iterator<Item = (i32, String)> {
        (self.least..=self.most).map(|power| {
            let value = 10f64.powi(power);
            let digits = usize::try_from(-power).unwrap_or(0);
            let label = match power {
                3.. => crate::text::number(value),
                _ => format!("{value:.digits$}"),
            };
            (self.pixel(value), label)
        })
    }
}

/// A text at a point; `h` is which part of it stands there.
fn write(
    area: &Area<'_>,
    words: &str,
    at: (i32, i32),
    size: i32,
    h: plotters::style::text_anchor::HPos,
) -> anyhow::Result<()> {
    use plotters::style::text_anchor::{Pos, VPos};
    let style = (FONT, size).into_font().color(&INK).pos(Pos::new(h, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style)).map_err(|e| anyhow!("{e}"))
}

fn line(
    area: &Area<'_>,
    points: [(i32, i32); 2],
    colour: RGBColor,
    width: u32,
) -> anyhow::Result<()> {
    let path = PathElement::new(points.to_vec(), colour.stroke_width(width));
    area.draw(&path).map_err(|e| anyhow!("{e}"))
}
