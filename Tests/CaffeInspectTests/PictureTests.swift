import CaffeCore
import CaffeErrors
import CaffeInspect
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Graphs, curves and filter sheets.
@Suite struct PictureTests {
  private func plan(_ text: String) throws -> NetPlan {
    try NetPlan(
      looking: TestNet.parse(text), given: GivenShapes(), context: LayerContext(phase: .train))
  }

  /// Layers in place lie on the way of their blob; a split is no box.
  @Test func theGraphHasABoxForEachLayerAndAnArrowForEachReader() throws {
    let plan = try plan(
      """
      name: "a \\"b\\""
      layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "<r>" type: "ReLU" bottom: "x" top: "x" }
      layer { name: "p" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 4 } }
      layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "l" }
      """)
    let dot = NetDrawing(plan).dot
    let arrows = dot.split(separator: "\n").filter { $0.contains("->") }.map {
      String($0).trimmed()
    }
    #expect(
      arrows == [
        #"l0 -> l1 [label=" x\n 2×3"];"#, #"l1 -> l3 [label=" 2×3"];"#,
        #"l1 -> l4 [label=" 2×3"];"#, #"l0 -> l4 [label=" y\n 2×3"];"#,
      ])
    #expect(dot.contains("<b>&lt;r&gt;</b><br/>ReLU") && !dot.contains("Split"))
    #expect(dot.contains("<font point-size=\"9\">16 parameters</font>"))
    #expect(dot.contains(#"label="a \"b\" (TRAIN)""#))
    #expect(NetDrawing(plan, direction: .right).dot.contains("rankdir=LR"))
  }

  @Test(arguments: ["svg", "png", "pdf"])
  func graphsAndCurvesAreWrittenInEveryFormat(_ ending: String) throws {
    let begin: [String: [UInt8]] = [
      "svg": Array("<".utf8), "png": [0x89, 0x50], "pdf": Array("%PDF".utf8),
    ]
    let folder = try TemporaryFolder()
    try NetDrawing(plan(#"layer { name: "in" type: "Input" top: "x" }"#)).write(
      to: folder("net.\(ending)"))
    try curves([0, 1], [3, 2]).write(to: folder("curve.\(ending)"))
    for name in ["net", "curve"] {
      let bytes = try folder.read("\(name).\(ending)")
      #expect(bytes.starts(with: begin[ending] ?? [0]) && bytes.count > 300, "\(name)")
    }
  }

  @Test func whatCannotBeDrawnIsRefused() throws {
    let folder = try TemporaryFolder()
    #expect(
      refusal { try curves([0], [1]).write(to: folder("a.gif")) }.contains(".svg, .png or .pdf"))
    let tool = ExternalTool(name: "no-such-program", package: "nothing")
    #expect(
      refusal { try tool.run([], input: "") }
        == "no-such-program is not installed; it is in Debian's package nothing, which scripts/setup installs"
    )
    #expect(
      refusal { try ExternalTool.dot.run(["-Tsvg"], input: "digraph {") }.hasPrefix("dot failed"))
    #expect(
      refusal { _ = try curves([0], [1], outputs: ["lss"]) }
        == "no run has an output 'lss' (there are: loss)")
  }

  private func curves(
    _ iterations: [Int], _ values: [Double], outputs: [String] = [], logarithmic: Bool = false
  ) throws -> CurvePlot {
    var history = RunHistory()
    history.train = zip(iterations, values).map {
      RunHistory.Row(iteration: $0, seconds: nil, learningRate: nil, outputs: [("loss", $1)])
    }
    return try CurvePlot(
      [CurvePlot.Run(name: "a<b", history: history)], outputs: outputs, logarithmic: logarithmic)
  }

  /// The panel's plane is x 64…540, y 78…320; both axes end at a tick.
  @Test func pointsLieWhereTheAxesSay() throws {
    let svg = try curves([0, 50, 100], [0, 1, 2]).svg
    #expect(svg.contains("points=\"64,320 302,199 540,78\""), "\(svg)")
    #expect(svg.contains(">a&lt;b<"))
    let logarithmic = try curves([0, 50, 100], [0.01, 0.1, 1], logarithmic: true).svg
    #expect(logarithmic.contains("points=\"64,320 302,199 540,78\""), "\(logarithmic)")
    let gaps = try curves([0, 1, 2], [.nan, .infinity, -1], logarithmic: true).svg
    #expect(gaps.contains("nothing to plot"))
  }

  @Test(arguments: [
    (0.0, 10.0, 5, [0.0, 2, 4, 6, 8, 10]), (0.13, 0.49, 4, [0.1, 0.2, 0.3, 0.4, 0.5]),
    (7, 7, 5, [6, 8]), (0, 0, 5, [0, 0.2]), (-3, 1, 4, [-3, -2, -1, 0, 1]),
  ])
  func ticksAreRound(low: Double, high: Double, wanted: Int, expected: [Double]) {
    let ticks = AxisTicks(low, high, wanted: wanted)
    #expect(ticks.values.count == expected.count, "\(ticks)")
    #expect(zip(ticks.values, expected).allSatisfy { abs($0 - $1) < 1e-9 }, "\(ticks)")
    #expect(ticks.values[0] <= low && high <= ticks.values[ticks.values.count - 1])
  }

  /// Two filters of 1×2×2, each weight 20 × 20 pixels: 0 is black, 3 white.
  @Test func filtersBecomeTiles() throws {
    let sheet = try FilterSheet([0, 1, 2, 3, 3, 3, 0, 0], shape: [2, 1, 2, 2], layer: "c")
    #expect(sheet.tileCount == 2 && sheet.image.width == 2 * 42 + 2 && sheet.image.height == 44)
    func pixel(_ row: Int, _ column: Int) -> UInt8 {
      sheet.image.pixels[(row * sheet.image.width + column) * 3]
    }
    #expect([pixel(2, 2), pixel(21, 41), pixel(22, 2), pixel(41, 41)] == [0, 85, 170, 255])
    #expect([pixel(2, 44), pixel(41, 83)] == [255, 0])
    let wide = try FilterSheet(
      Array(repeating: 1, count: 2 * 5 * 4), shape: [2, 5, 2, 2], layer: "c", zoom: 1)
    #expect(wide.tileCount == 10 && wide.image.width == 5 * 4 + 2)
  }

  @Test func layersWithoutFiltersAreRefused() throws {
    let net = try TestNet.make(
      """
      layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 4 } }
      """)
    let folder = try TemporaryFolder()
    try net.saveWeights(to: folder("w.caffemodel"))
    let weights = try Weights(contentsOf: folder("w.caffemodel"))
    #expect(refusal { _ = try FilterSheet(weights) }.contains("no layer has filters"))
    #expect(refusal { _ = try FilterSheet(weights, layer: "ip") }.contains("layer 'ip' has"))
    #expect(refusal { _ = try FilterSheet(weights, layer: "ipp") }.contains("did you mean 'ip'?"))
  }
}
