//! Lines over two logarithmic axes, each named where it ends.
use super::{Area, Decades, FAINT, WIDTH, colour, line, write};
use crate::result::{Line, Who};
use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

pub(super) const HEIGHT: u32 = 440;
const TOP: i32 = 64;
const LEFT: i32 = 84;
/// Room for the names.
const RIGHT: i32 = 270;
/// More points than these are a curve, and are not marked.
const MARKED: usize = 12;

pub(super) fn draw(
    area: &Area<'_>,
    title: &str,
    [x, y]: [&str; 2],
    lines: &[Line],
) -> anyhow::Result<()> {
    let (right, bottom) = (i32::try_from(WIDTH)? - RIGHT, i32::try_from(HEIGHT)? - 56);
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let across = Decades::over(points().map(|(x, _)| x), (LEFT, right));
    let up = Decades::over(points().map(|(_, y)| y), (bottom, TOP));
    write(area, title, (16, 24), 19, HPos::Left)?;
    write(area, &format!("{y}; both axes logarithmic"), (16, 46), 13, HPos::Left)?;
    for (at, label) in across.ticks() {
        line(area, [(at, TOP), (at, bottom)], FAINT, 1)?;
        write(area, &label, (at, bottom + 16), 13, HPos::Center)?;
    }
    for (at, label) in up.ticks() {
        line(area, [(LEFT, at), (right, at)], FAINT, 1)?;
        write(area, &label, (LEFT - 8, at), 13, HPos::Right)?;
    }
    write(area, x, ((LEFT + right) / 2, bottom + 38), 13, HPos::Center)?;
    let mut names: Vec<(i32, &Line)> = Vec::new();
    for one in lines {
        let pixels: Vec<(i32, i32)> = one
            .points
            .iter()
            .filter(|(_, y)| y.is_finite() && *y > 0.0)
            .map(|(x, y)| (across.pixel(*x), up.pixel(*y)))
            .collect();
        let Some(last) = pixels.last().copied() else { continue };
        let width = if one.who == Who::Ours { 3 } else { 2 };
        let path = PathElement::new(pixels.clone(), colour(one.who).stroke_width(width));
        area.draw(&path).map_err(|e| anyhow!("{e}"))?;
        let marked = if pixels.len() > MARKED { vec![] } else { pixels };
        for point in marked {
            area.draw(&Circle::new(point, 3, colour(one.who).filled()))
                .map_err(|e| anyhow!("{e}"))?;
        }
        names.push((last.1, one));
    }
    // From the top, none over another.
    names.sort_by_key(|(at, _)| *at);
    let mut free = TOP;
    for (at, one) in names {
        let at = at.max(free);
        free = at + 16;
        write(area, &one.name, (right + 10, at), 13, HPos::Left)?;
    }
    Ok(())
}
