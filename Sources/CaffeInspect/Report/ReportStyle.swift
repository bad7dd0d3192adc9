/// How pages look: light or dark as the reader's system is, in one column on a phone.
enum ReportStyle {
  static var sheet: HTML { HTML([plain, dark]) }

  private static let plain: HTML = """
    :root { --ink: #1f2328; --faint: #626a73; --ground: #ffffff; --card: #f6f8fa; --rule: #d8dee4;
      --accent: #0072b2; --right: 0 114 178; --wrong: 213 94 0; }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 76rem; background: var(--ground);
      color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
    h1 { font-size: 1.6rem; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.2rem; margin: 0 0 .75rem; padding-top: 1rem; }
    h3 { font-size: 1rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
    section { border-top: 1px solid var(--rule); margin-top: 1.5rem; }
    a { color: var(--accent); }
    nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
    #live, footer, caption, .note { color: var(--faint); font-size: .9rem; margin: .25rem 0; }
    #live:empty { display: none; }
    .missing { background: var(--card); border-left: 4px solid var(--rule); padding: .5rem .75rem;
      overflow-wrap: anywhere; }
    dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem;
      margin: 0; }
    dl > div { background: var(--card); border-radius: .5rem; padding: .5rem .75rem; }
    dt { color: var(--faint); font-size: .85rem; }
    dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
    .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr));
      gap: 1rem; }
    .grid svg { width: 100%; height: auto; }
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; }
    .wide { overflow-x: auto; margin: .75rem 0; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
    caption { text-align: left; }
    th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid var(--rule); }
    .number { text-align: right; }
    .matrix td, .matrix th { border: 1px solid var(--rule); padding: .25rem .4rem; }
    .matrix td { text-align: right; }
    .matrix .strong { color: #fff; }
    .matrix [scope="row"] { position: sticky; left: 0; background: var(--ground); }
    .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr));
      gap: .75rem; padding: 0; margin: 0; list-style: none; }
    .tiles li { background: var(--card); border-radius: .5rem; padding: .5rem; font-size: .85rem; }
    .tiles img { width: 100%; height: auto; }
    img { max-width: 100%; height: auto; image-rendering: pixelated; }
    .paper { background: #fff; border: 1px solid var(--rule); border-radius: .5rem; padding: .5rem;
      overflow: auto; max-height: 80vh; }
    .paper svg { max-width: 100%; height: auto; }
    .paper text { font-family: "DejaVu Sans", Verdana, sans-serif; }
    pre { background: var(--card); border-radius: .5rem; padding: .75rem; overflow: auto;
      max-height: 40rem; font-size: .85rem; }
    summary { cursor: pointer; padding: .25rem 0; }
    @media (max-width: 40rem) {
      .grid svg text { font-size: 14px; }
      .pair { grid-template-columns: 1fr; }
    }
    """

  /// Drawings keep their colours in files; on a dark page some take others.
  private static let dark: HTML = """
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6edf3; --faint: #9da7b1; --ground: #0d1117; --card: #161b22; --rule: #30363d;
        --accent: #56b4e9; --right: 56 139 253; --wrong: 230 120 40; }
      .grid rect[fill="\(SVG.Paint.ground)"] { fill: none; }
      .grid text[fill="\(SVG.Paint.ink)"] { fill: #e6edf3; }
      .grid text[fill="\(SVG.Paint.faint)"] { fill: #9da7b1; }
      .grid polyline[stroke="\(SVG.Paint.grid)"] { stroke: #30363d; }
      .grid [stroke="\(SVG.Paint.blue)"] { stroke: #56b4e9; }
      .grid [fill="\(SVG.Paint.blue)"] { fill: #56b4e9; }
      .grid polygon { stroke: #0d1117; }
    }
    """
}
