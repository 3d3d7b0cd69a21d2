/**
 * Draws a report as SVG with Vega, which needs neither a browser nor a canvas: bars with the span from least to most, or
 * lines. Knows nothing of benchmarks but what it is given.
 */
import { parse, type Spec, View } from 'vega';
import type { Picture } from '../../../dist-test/test/bench/harness/draw.js';

const width = 640;
const barHeight = 22;
const lineHeight = 320;
const blue = '#3b6ea5';

export async function svg(picture: Picture): Promise<string> {
  const spec = picture.axes !== null && picture.lines.length > 0 ? lines(picture) : bars(picture);
  const view = new View(parse(spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

function bars({ title, unit, bars: values }: Picture): Spec {
  const bar = (encoding: object) => ({ update: { y: { scale: 'y', field: 'name' }, ...encoding } });
  const middle = { scale: 'y', field: 'name', band: 0.5 };
  return {
    ...frame(title, values.length * barHeight),
    data: [{ name: 'contestants', values: [...values] }],
    scales: [
      {
        name: 'y',
        type: 'band',
        domain: { data: 'contestants', field: 'name' },
        range: 'height',
        padding: 0.25,
      },
      { name: 'x', domain: { data: 'contestants', field: 'max' }, range: 'width', zero: true, nice: true },
    ],
    axes: [
      { orient: 'left', scale: 'y', domain: false, ticks: false, labelPadding: 6, labelLimit: 260 },
      { orient: 'bottom', scale: 'x', title: unit, grid: true, tickCount: 6 },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'contestants' },
        encode: bar({
          height: { scale: 'y', band: 1 },
          x: { scale: 'x', value: 0 },
          x2: { scale: 'x', field: 'median' },
          fill: { value: blue },
        }),
      },
      {
        type: 'rule',
        from: { data: 'contestants' },
        encode: bar({
          y: middle,
          x: { scale: 'x', field: 'min' },
          x2: { scale: 'x', field: 'max' },
          stroke: { value: '#222' },
          strokeWidth: { value: 1.5 },
        }),
      },
      {
        type: 'text',
        from: { data: 'contestants' },
        encode: bar({
          y: middle,
          x: { scale: 'x', field: 'max', offset: 5 },
          text: { signal: "format(datum.median, datum.median < 100 ? '.1f' : ',.0f')" },
          baseline: { value: 'middle' },
          fontSize: { value: 11 },
        }),
      },
    ],
  };
}

function lines({ title, lines: values, axes }: Picture): Spec {
  const { x, y, logarithmic = false } = axes!;
  const point = { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } };
  const colour = { scale: 'colour', field: 'name' };
  return {
    ...frame(title, lineHeight),
    data: [{ name: 'points', values: [...values] }],
    scales: [
      {
        name: 'x',
        type: logarithmic ? 'log' : 'linear',
        domain: { data: 'points', field: 'x' },
        range: 'width',
        zero: false,
      } as never,
      { name: 'y', domain: { data: 'points', field: 'y' }, range: 'height', zero: true, nice: true },
      { name: 'colour', type: 'ordinal', domain: { data: 'points', field: 'name' }, range: 'category' },
    ],
    axes: [
      { orient: 'left', scale: 'y', title: y, grid: true, tickCount: 6 },
      { orient: 'bottom', scale: 'x', title: x, format: logarithmic ? '~s' : '', tickCount: 6 },
    ],
    legends: [{ stroke: 'colour', symbolType: 'stroke' }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data: 'points', groupby: 'name' } },
        marks: [
          {
            type: 'line',
            from: { data: 'line' },
            encode: { update: { ...point, stroke: colour, strokeWidth: { value: 2 } } },
          },
        ],
      },
    ],
  };
}

function frame(title: string, height: number): Spec {
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    background: 'white',
    width,
    height,
    padding: 10,
    title: { text: title, anchor: 'start' },
  };
}
