import CaffeKernels
import Testing

/// Channels-last where oneDNN takes it, and the blocks of the convolutions.
private func packedLayouts(_ extents: [Int]) throws -> [OneDNNMemoryLayout] {
  let convolution = try OneDNNConvolution(
    try ConvolutionGeometry(
      batch: extents[0], inputChannels: extents[1], outputChannels: 16, input: [5, 5],
      kernel: [3, 3], stride: [1, 1], pad: [1, 1], dilation: [1, 1]),
    hasBias: false, algorithm: .direct, gradients: [], scratchpad: Scratchpad())
  return (Machine.normalizesChannelsLast ? [try .channelsLast(extents)] : [])
    + [convolution.forward.inputLayout]
}

private let extents = [3, 32, 5, 5]

@Suite struct OneDNNLRNTests {
  private static let parameters = OneDNNLRN.Parameters(localSize: 5, alpha: 0.4, beta: 0.75, k: 2)

  /// `k + alpha / n · Σ x²` at each element, and its window of elements.
  private func scales(_ x: [Float]) -> [Double] {
    let p = Self.parameters
    return x.indices.map { index in
      let sum = window(index).reduce(0.0) { $0 + Double(x[$1]) * Double(x[$1]) }
      return Double(p.k) + Double(p.alpha) / Double(p.localSize) * sum
    }
  }

  private func window(_ index: Int) -> [Int] {
    let plane = extents[2] * extents[3]
    let channel = index / plane % extents[1]
    return (-2...2).filter { (0..<extents[1]).contains(channel + $0) }.map { index + $0 * plane }
  }

  @Test func passesMatchCaffe() throws {
    var numbers = Numbers(seed: 5)
    let (x, dy) = (numbers.array(extents.product), numbers.array(extents.product))
    let s = scales(x)
    let (alpha, beta) = (Double(Self.parameters.alpha), Double(Self.parameters.beta))
    func power(_ x: Double) -> Double { 1 / (x.squareRoot() * x.squareRoot().squareRoot()) }
    let y = x.indices.map { Double(x[$0]) * power(s[$0]) }
    let dx = x.indices.map { i in
      let shared = window(i).reduce(0.0) { $0 + Double(dy[$1]) * y[$1] / s[$1] }
      return Double(dy[i]) * power(s[i]) - 2 * alpha * beta / 5 * Double(x[i]) * shared
    }
    for layout in try packedLayouts(extents) {
      let lrn = try OneDNNLRN(
        Self.parameters, training: true, layout: layout, scratchpad: Scratchpad())
      let input = PackedTensor(layout, x)
      let output = PackedTensor(layout)
      lrn.forward(input.pointer, into: output.pointer)
      #expect(worstDifference(output.values(x.count), y) < 1e-5)
      let gradient = PackedTensor(layout, dy)
      let result = PackedTensor(layout)
      lrn.backward(gradient.pointer, input: input.pointer, into: result.pointer)
      #expect(worstDifference(result.values(x.count), dx) < 1e-5)
    }
  }

  @Test func trainingInPlainOrderIsRefused() throws {
    let error = #expect(throws: EngineRefusal.self) {
      try OneDNNLRN(
        Self.parameters, training: true, layout: .plain(extents), scratchpad: Scratchpad())
    }
    #expect(
      error?.description
        == "ONEDNN declined: only oneDNN's slow reference implements this LRN's gradient")
  }
}
