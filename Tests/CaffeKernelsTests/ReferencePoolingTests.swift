import CaffeErrors
import CaffeKernels
import Testing

struct ReferencePoolingTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let geometry: PoolingGeometry

    init(
      _ name: String, _ input: [Int], kernel: [Int], stride: [Int], pad: [Int],
      rounding: PoolingGeometry.Rounding = .up
    ) throws {
      testDescription = name
      geometry = try PoolingGeometry(
        batch: 2, channels: 3, input: input, kernel: kernel, stride: stride, pad: pad,
        rounding: rounding)
    }

    static func all() throws -> [Case] {
      try [
        Case("k3 s2", [55, 41], kernel: [3, 3], stride: [2, 2], pad: [0, 0]),
        Case("k3 s2 p1 up", [8, 10], kernel: [3, 3], stride: [2, 2], pad: [1, 1]),
        Case(
          "k3 s2 p1 down", [8, 10], kernel: [3, 3], stride: [2, 2], pad: [1, 1], rounding: .down),
        Case("k2 s2 overhang", [7, 5], kernel: [2, 2], stride: [2, 2], pad: [0, 0]),
        Case("k3 s1 p1", [6, 37], kernel: [3, 3], stride: [1, 1], pad: [1, 1]),
        Case("k5x2 s3x4 p4x1", [9, 30], kernel: [5, 2], stride: [3, 4], pad: [4, 1]),
        Case("gaps", [9, 11], kernel: [1, 2], stride: [3, 5], pad: [0, 0]),
        Case("global", [6, 7], kernel: [6, 7], stride: [1, 1], pad: [0, 0]),
        Case(
          "window larger than the plane", [2, 2], kernel: [5, 5], stride: [1, 1], pad: [3, 3]),
        Case("one axis", [17], kernel: [4], stride: [3], pad: [1]),
        Case("three axes", [5, 4, 7], kernel: [3, 2, 3], stride: [2, 2, 1], pad: [1, 0, 1]),
      ]
    }
  }

  /// The cells under output `index` of a plane, in memory order, and the average's divisor, straight
  /// from Caffe's definition and not from `PoolingGeometry.window`.
  private func window(_ g: PoolingGeometry, _ index: Int) -> (cells: [Int], divisor: Double) {
    var (rest, cells, divisor) = (index, [0], 1.0)
    var position = g.output.map { _ in 0 }
    for axis in g.output.indices.reversed() {
      position[axis] = rest % g.output[axis]
      rest /= g.output[axis]
    }
    for axis in g.input.indices {
      let start = position[axis] * g.stride[axis] - g.pad[axis]
      let end = min(start + g.kernel[axis], g.input[axis] + g.pad[axis])
      divisor *= Double(end - start)
      let inside = (start..<end).filter { (0..<g.input[axis]).contains($0) }
      cells = cells.flatMap { cell in inside.map { cell * g.input[axis] + $0 } }
    }
    return (cells, divisor)
  }

  private func maximum(
    _ geometry: PoolingGeometry, _ input: [Float]
  ) throws -> (output: [Float], mask: [Int32]) {
    let pooling = try ReferencePooling(geometry)
    var mask = [Int32](repeating: -1, count: geometry.outputCount)
    let values = output(geometry.outputCount) { pooling.maximum(input, mask: &mask, into: $0) }
    return (values, mask)
  }

  /// 2×2 windows, stride 1, over a 3×5 plane.
  //   1 2 5 2 3
  //   9 4 1 4 8   →   9 5 5 8
  //   1 2 5 2 3       9 5 5 8
  @Test func maximumOfOverlappingWindows() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 1, input: [3, 5], kernel: [2, 2], stride: [1, 1], pad: [0, 0])
    let (values, mask) = try maximum(geometry, [1, 2, 5, 2, 3, 9, 4, 1, 4, 8, 1, 2, 5, 2, 3])
    #expect(values == [9, 5, 5, 8, 9, 5, 5, 8])
    #expect(mask == [5, 2, 2, 9, 5, 12, 12, 9])
  }

  /// 2×2 windows, stride 2, pad 1, over a 3×3 plane of ones: the corner window holds one cell and
  /// three of padding, and the divisor counts all four.
  @Test func averageCountsPadding() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 1, input: [3, 3], kernel: [2, 2], stride: [2, 2], pad: [1, 1])
    let pooling = try ReferencePooling(geometry)
    let values = output(4) { pooling.average(Array(repeating: 1, count: 9), into: $0) }
    #expect(values == [0.25, 0.5, 0.5, 1])
  }

  @Test(arguments: try Case.all()) func maximumMatchesItsDefinition(_ c: Case) throws {
    let g = c.geometry
    // Few distinct values, so that ties are common.
    let input = numbers(g.inputCount, in: 0...4).map { $0.rounded() }
    let gradient = numbers(g.outputCount, seed: 2)
    var values: [Double] = []
    var places: [Int32] = []
    var back = [Double](repeating: 0, count: g.inputCount)
    for i in 0..<g.outputCount {
      let base = i / g.outputSize * g.inputSize
      let cells = window(g, i % g.outputSize).cells
      let best = try #require(cells.max { (input[base + $0], -$0) < (input[base + $1], -$1) })
      values.append(Double(input[base + best]))
      places.append(Int32(best))
      back[base + best] += Double(gradient[i])
    }
    try Machine.each { machine in
      let (actual, mask) = try maximum(g, input)
      expectClose(actual, values, within: 0, machine)
      #expect(mask == places, "\(machine)")
      let pooling = try ReferencePooling(g)
      let actualBack = output(g.inputCount) { pooling.backward(gradient, mask: mask, into: $0) }
      expectClose(actualBack, back, within: 1e-6, machine)
    }
  }

  @Test(arguments: try Case.all()) func averageMatchesItsDefinition(_ c: Case) throws {
    let g = c.geometry
    let (input, gradient) = (numbers(g.inputCount), numbers(g.outputCount, seed: 2))
    var values: [Double] = []
    var back = [Double](repeating: 0, count: g.inputCount)
    for i in 0..<g.outputCount {
      let base = i / g.outputSize * g.inputSize
      let (cells, divisor) = window(g, i % g.outputSize)
      values.append(cells.reduce(0.0) { $0 + Double(input[base + $1]) } / divisor)
      for cell in cells { back[base + cell] += Double(gradient[i]) / divisor }
    }
    let pooling = try ReferencePooling(g)
    Machine.each { machine in
      expectClose(
        output(g.outputCount) { pooling.average(input, into: $0) }, values, within: 1e-5, machine)
      expectClose(
        output(g.inputCount) { pooling.averageBackward(gradient, into: $0) }, back, within: 1e-5,
        machine)
    }
  }

  @Test(arguments: try Case.all()) func aWindowOfNaNsHasAValidIndex(_ c: Case) throws {
    let input = [Float](repeating: .nan, count: c.geometry.inputCount)
    try Machine.each { _ in
      let (values, mask) = try maximum(c.geometry, input)
      #expect(values.allSatisfy { $0.isNaN })
      #expect(mask.allSatisfy { (0..<Int32(c.geometry.inputSize)).contains($0) })
    }
  }

  @Test(arguments: try Case.all()) func numbersWinOverNaNAndInfinity(_ c: Case) throws {
    let g = c.geometry
    let input = numbers(g.inputCount).map { $0 < -1 ? Float.nan : $0 < 0 ? -.infinity : $0 }
    try Machine.each { _ in
      let (values, mask) = try maximum(g, input)
      for i in values.indices {
        let base = i / g.outputSize * g.inputSize
        let known = window(g, i % g.outputSize).cells.map { input[base + $0] }.filter { !$0.isNaN }
        if let best = known.max() {
          #expect(values[i] == best && input[base + Int(mask[i])] == best)
        } else {
          #expect(values[i].isNaN)
        }
      }
    }
  }

  @Test func samplingPicksCellsInProportion() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 20_000, input: [1, 4], kernel: [1, 4], stride: [1, 4], pad: [0, 0])
    let pooling = try ReferencePooling(geometry)
    let input = (0..<20_000).flatMap { _ in [1, 0, 3, 4] as [Float] }
    let random = output(20_000) {
      RandomStream(seed: 1, name: "pool").uniform(into: $0, count: 20_000, pass: 0)
    }
    var mask = [Int32](repeating: 0, count: 20_000)
    let values = output(20_000) { pooling.sample(input, random: random, mask: &mask, into: $0) }
    let shares = (0..<4).map { cell in Double(mask.filter { $0 == cell }.count) / 20_000 }
    // Three standard deviations of a share of 20 000 draws are 0.011.
    for (share, expected) in zip(shares, [0.125, 0, 0.375, 0.5]) {
      #expect(abs(share - expected) < 0.011)
    }
    #expect(zip(values, mask).allSatisfy { $0 == [1, 0, 3, 4][Int($1)] })
    let mean = output(20_000) { pooling.expectation(input, into: $0) }
    #expect(mean.allSatisfy { $0 == 26 / 8 })
  }

  @Test func aSumOfZeroIsSampledAsItsFirstCell() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 1, input: [2, 2], kernel: [2, 2], stride: [2, 2], pad: [0, 0])
    let pooling = try ReferencePooling(geometry)
    var mask: [Int32] = [9]
    let value = output(1) {
      pooling.sample([0, 0, 0, 0], random: [0.999], mask: &mask, into: $0)
    }
    #expect(value == [0])
    #expect(mask == [0])
    #expect(output(1) { pooling.expectation([0, 0, 0, 0], into: $0) } == [0])
  }

  @Test func fourAxesAreRefused() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 1, input: [2, 2, 2, 2], kernel: [1, 1, 1, 1], stride: [1, 1, 1, 1],
      pad: [0, 0, 0, 0])
    #expect(throws: CaffeError("pooling works on 1 to 3 spatial axes, the bottom has 4")) {
      try ReferencePooling(geometry)
    }
  }
}
