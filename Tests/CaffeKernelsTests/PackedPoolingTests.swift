import CaffeErrors
import CaffeKernels
import Testing

/// Pooling in packed orders gives what pooling in plain order gives, which has tests of its own.
struct PackedPoolingTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let geometry: PoolingGeometry
    let order: @Sendable ([Int]) throws -> OneDNNMemoryLayout

    static func all() throws -> [Case] {
      let orders: [(String, Int, @Sendable ([Int]) throws -> OneDNNMemoryLayout)] = [
        ("29 channels last", 29, { try .channelsLast($0) }),
        ("2 channels last", 2, { try .channelsLast($0) }),
        ("32 channels by 16", 32, { try .blocked($0, by: 16) }),
        ("20 channels by 8, padded", 20, { try .blocked($0, by: 8) }),
      ]
      return try ReferencePoolingTests.Case.all().flatMap { pooling in
        try orders.map { name, channels, order in
          let g = pooling.geometry
          return Case(
            testDescription: "\(pooling.testDescription), \(name)",
            geometry: try PoolingGeometry(
              batch: 2, channels: channels, input: g.input, kernel: g.kernel, stride: g.stride,
              pad: g.pad),
            order: order)
        }
      }
    }
  }

  /// Output and the bottom's gradient, moved to plain order.
  private func passes(
    _ c: Case, _ method: PackedPooling.Method, _ input: [Float], _ gradient: [Float]
  ) throws -> (output: [Float], input: [Float]) {
    let g = c.geometry
    let layout = try c.order([g.batch, g.channels] + g.input)
    let outer = try #require(
      layout.resized(to: [g.batch, g.channels] + g.output) as? OneDNNMemoryLayout)
    let pooling = try PackedPooling(g, method: method, runs: try #require(layout.channelRuns))
    let (bottom, top) = (PackedTensor(layout, input), PackedTensor(outer))
    pooling.forward(bottom.floats, into: top.floats)
    let (topGradient, bottomGradient) = (PackedTensor(outer, gradient), PackedTensor(layout))
    pooling.backward(topGradient.floats, into: bottomGradient.floats)
    return (top.values(g.outputCount), bottomGradient.values(g.inputCount))
  }

  @Test(arguments: try Case.all()) func maximumIsThatOfThePlainOrder(_ c: Case) throws {
    // Few distinct values, so that ties are common, and some that are no numbers.
    var input = numbers(c.geometry.inputCount, in: 0...4).map { $0.rounded() }
    for index in stride(from: 0, to: input.count, by: 7) { input[index] = .nan }
    let gradient = numbers(c.geometry.outputCount, seed: 2)
    let plain = try ReferencePooling(c.geometry)
    var mask = [Int32](repeating: -1, count: c.geometry.outputCount)
    let expected = output(c.geometry.outputCount) { plain.maximum(input, mask: &mask, into: $0) }
    let back = output(c.geometry.inputCount) { plain.backward(gradient, mask: mask, into: $0) }
    try Machine.each { machine in
      let found = try passes(c, .maximum, input, gradient)
      #expect(found.output.elementsEqual(expected) { $0 == $1 || $0.isNaN && $1.isNaN })
      expectClose(found.input, back.map(Double.init), within: 1e-6, machine)
    }
  }

  @Test(arguments: try Case.all()) func averageIsThatOfThePlainOrder(_ c: Case) throws {
    let (input, gradient) = (
      numbers(c.geometry.inputCount), numbers(c.geometry.outputCount, seed: 2)
    )
    let plain = try ReferencePooling(c.geometry)
    let expected = output(c.geometry.outputCount) { plain.average(input, into: $0) }
    let back = output(c.geometry.inputCount) { plain.averageBackward(gradient, into: $0) }
    try Machine.each { machine in
      let found = try passes(c, .average, input, gradient)
      // Up to 42 values summed in another order.
      expectClose(found.output, expected.map(Double.init), within: 1e-6, machine)
      expectClose(found.input, back.map(Double.init), within: 1e-6, machine)
    }
  }

  @Test func maximaOverLargeWindowsAreDeclined() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 8, input: [17, 17], kernel: [17, 17], stride: [1, 1], pad: [0, 0])
    let runs = ChannelRuns(planes: 1, run: 8)
    let error = #expect(throws: EngineRefusal.self) {
      try PackedPooling(geometry, method: .maximum, runs: runs)
    }
    #expect("\(error.map { "\($0)" } ?? "")".hasSuffix("it remembers no maximum over 289 cells"))
    _ = try PackedPooling(geometry, method: .average, runs: runs)
  }
}
