import CaffeCore
import CaffeErrors
import CaffeTestSupport
import Testing

@Suite struct ShapeTests {
  @Test(
    arguments: [
      ([], 1, "(1)"), ([0], 0, "0 (0)"), ([2, 3, 4], 24, "2 3 4 (24)"),
      ([Int(Int32.max)], Int(Int32.max), "2147483647 (2147483647)"),
    ] as [([Int], Int, String)])
  func countsAndPrints(dimensions: [Int], count: Int, text: String) throws {
    let shape = try Shape(dimensions)
    #expect(shape.count == count && "\(shape)" == text)
  }

  @Test(
    arguments: [
      ([-1], "a dimension cannot be negative: -1"),
      ([1 << 31], "blob size exceeds 2147483647 values: 2147483648"),
      ([65536, 65536], "blob size exceeds 2147483647 values: 65536 65536"),
      // The product wraps around to a small number.
      ([1 << 32, 1 << 32, 2], "blob size exceeds"), ([Int.max, 2], "blob size exceeds"),
      // Some of the axes alone have too many.
      ([0, 65536, 65536], "blob size exceeds 2147483647 values: 0 65536 65536"),
      ([65536, 0, 65536], "blob size exceeds"),
      (Array(repeating: 1, count: 33), "a blob has at most 32 axes, this one would have 33"),
    ] as [([Int], String)])
  func refuses(dimensions: [Int], message: String) {
    #expect(refusal { _ = try Shape(dimensions) }.hasPrefix(message))
  }

  @Test(arguments: [(0, 0), (2, 2), (-1, 2), (-3, 0)])
  func axes(axis: Int, expected: Int) throws {
    let shape: Shape = [2, 3, 4]
    #expect(try shape.axis(axis) == expected)
  }

  @Test(arguments: [3, -4, Int.min, Int.max])
  func axesOutOfRange(axis: Int) {
    let shape: Shape = [2, 3, 4]
    #expect(
      refusal { _ = try shape.axis(axis) }
        == "axis \(axis) is out of range for a blob with 3 axes: 2 3 4 (24)")
  }

  @Test func productsOfRanges() {
    let shape: Shape = [2, 3, 4]
    #expect(shape.count(from: 1) == 12 && shape.count(before: 1) == 2 && shape.count(3..<3) == 1)
    #expect((0..<5).map(shape.legacy) == [2, 3, 4, 1, 1])
  }
}

@Suite struct ErrorTests {
  @Test func placesGoFromTheOutsideIn() {
    let refused = refusal {
      try withPlace("net 'n'") { try withPlace("layer 'l'") { throw CaffeError("no") } }
    }
    #expect(refused == "net 'n': layer 'l': no")
  }

  @Test(
    arguments: [
      ("num_ouput", "num_output"), ("NUM_OUTPUT", "num_output"), ("kernle_size", "kernel_size"),
      ("stridee", "stride"), ("zzzz", nil), ("padd", "pad"),
    ] as [(String, String?)])
  func nearestName(name: String, expected: String?) {
    #expect(
      NearestName.of(name, among: ["kernel_size", "num_output", "pad", "stride"]) == expected)
    #expect(NearestName.of(name, among: []) == nil)
  }

  @Test(
    arguments: [
      (0.0933, "0.0933"), (1e-5, "1e-05"), (87.33654, "87.3365"), (.nan, "nan"), (1, "1"),
    ] as [(Float, String)])
  func numbersReadAsFromStreams(value: Float, text: String) { #expect(Text.number(value) == text) }
}

@Suite struct LayerKindTests {
  @Test(
    arguments: [
      (.exactly(1), .exactly(1), 2, 1, "X Layer takes 1 bottom blob(s) as input, got 2"),
      (.atLeast(2), .exactly(1), 1, 1, "X Layer takes at least 2 bottom blob(s) as input, got 1"),
      (.between(1, 2), .exactly(1), 3, 1, "X Layer takes 1 to 2 bottom blob(s) as input, got 3"),
      (.exactly(0), .between(1, 2), 0, 0, "X Layer produces 1 to 2 top blob(s) as output, got 0"),
      (
        .atLeast(1), .sameAsBottoms, 2, 3,
        "X Layer produces one top blob as output for each bottom blob input, got 3"
      ),
      (.between(1, 2), .atLeast(0), 2, 9, "(nothing was refused)"),
      (.atLeast(1), .sameAsBottoms, 4, 4, "(nothing was refused)"),
    ] as [(LayerKind.Arity, LayerKind.Arity, Int, Int, String)])
  func countsOfBlobs(
    bottoms: LayerKind.Arity, tops: LayerKind.Arity, bottom: Int, top: Int, message: String
  ) {
    let kind = LayerKind(
      "X", bottoms: bottoms, tops: tops, documentation: nothing
    ) { try Layer($0, context: $1) }
    #expect(refusal { try kind.check(bottoms: bottom, tops: top) } == message)
  }

  @Test func catalogsKnowTheirTypes() throws {
    let catalog = LayerCatalog(
      ["Pooling", "Concat"].map { type in
        LayerKind(
          type, bottoms: .atLeast(0), tops: .atLeast(0), documentation: nothing
        ) { try Layer($0, context: $1) }
      })
    #expect(catalog.kinds.map(\.type) == ["Concat", "Pooling"])
    #expect(
      refusal { _ = try catalog.kind("Poolign") }
        == "Unknown layer type: Poolign; did you mean \"Pooling\"?")
    #expect(
      refusal { _ = try catalog.kind("Quux") }
        == "Unknown layer type: Quux (known types: Concat, Pooling)")
  }
}

private let nothing = LayerDocumentation("Does nothing", source: "nowhere.cpp")
