//! Horizontal bars on a logarithmic scale: p50, with a whisker up to p99.
use super::{Area, Decades, FAINT, INK, WIDTH, colour, line, write};
use crate::result::Bar;
use crate::text::number;
use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

const TOP: i32 = 64;
const ROW: i32 = 30;
const LEFT: i32 = 270;
/// Room for a figure behind the longest bar.
const RIGHT: i32 = 110;

pub(super) fn height(bars: usize) -> u32 {
    let rows = i32::try_from(bars).unwrap_or(0) * ROW;
    u32::try_from(TOP + rows + 40).unwrap_or(0)
}

pub(super) fn draw(area: &Area<'_>, title: &str, unit: &str, bars: &[Bar]) -> anyhow::Result<()> {
    let right = i32::try_from(WIDTH)? - RIGHT;
    let values = bars.iter().flat_map(|bar| [bar.p50, bar.p99]);
    let scale = Decades::over(values, (LEFT, right));
    let bottom = TOP + i32::try_from(bars.len())? * ROW;
    write(area, title, (16, 24), 19, HPos::Left)?;
    write(area, "bar: p50, whisker: p99; logarithmic", (16, 46), 13, HPos::Left)?;
    for (x, label) in scale.ticks() {
        line(area, [(x, TOP), (x, bottom)], FAINT, 1)?;
        write(area, &format!("{label} {unit}"), (x, bottom + 16), 13, HPos::Center)?;
    }
    for (nth, bar) in bars.iter().enumerate() {
        let middle = TOP + i32::try_from(nth)? * ROW + ROW / 2;
        write(area, &bar.name, (LEFT - 10, middle), 14, HPos::Right)?;
        let (p50, p99) = (scale.pixel(bar.p50), scale.pixel(bar.p99));
        let body =
            Rectangle::new([(LEFT, middle - 9), (p50, middle + 9)], colour(bar.who).filled());
        area.draw(&body).map_err(|e| anyhow!("{e}"))?;
        line(area, [(p50, middle), (p99, middle)], INK, 1)?;
        line(area, [(p99, middle - 4), (p99, middle + 4)], INK, 1)?;
        let figure = format!("{} {unit}", number(bar.p50));
        write(area, &figure, (p50.max(p99) + 8, middle), 13, HPos::Left)?;
    }
    Ok(())
}
