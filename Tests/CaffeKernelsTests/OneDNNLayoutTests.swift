import CaffeKernels
import Testing

@Suite struct OneDNNLayoutTests {
  private static func layouts() throws -> [OneDNNMemoryLayout] {
    let convolution = try OneDNNConvolution(
      try ConvolutionGeometry(
        batch: 2, inputChannels: 20, outputChannels: 50, input: [6, 5], kernel: [3, 3],
        stride: [1, 1], pad: [0, 0], dilation: [1, 1]),
      hasBias: false, gradients: [], scratchpad: Scratchpad())
    return [
      convolution.forward.inputLayout, convolution.forward.outputLayout,
      try .channelsLast([2, 3, 4, 5]), try .channelsLast([2, 3, 4]), try .plain([3, 5]),
      try .channelsLast([1, 2, 3, 4, 5]),
    ]
  }

  @Test(arguments: try layouts())
  func packingAndUnpackingGivesTheSameValues(_ layout: OneDNNMemoryLayout) {
    let count = layout.extents.product
    var numbers = Numbers(seed: 7)
    let values = numbers.array(count)
    #expect(PackedTensor(layout, values).values(count) == values)
    #expect(layout.byteCount >= 4 * count)
  }

  /// Extents [1, 2, 1, 3], channels last.
  //   channel 0: 1 2 3
  //   channel 1: 4 5 6   →   1 4 2 5 3 6
  @Test func channelsLastIsWhatItSays() throws {
    let packed = PackedTensor(try .channelsLast([1, 2, 1, 3]), [1, 2, 3, 4, 5, 6])
    let found = (0..<6).map { packed.pointer.assumingMemoryBound(to: Float.self)[$0] }
    #expect(found == [1, 4, 2, 5, 3, 6])
  }

  @Test func equalityIsThatOfBytes() throws {
    let plain = try OneDNNMemoryLayout.plain([2, 3, 4, 5])
    #expect(plain.isPlain)
    #expect(plain.isEqual(to: try OneDNNMemoryLayout.plain([2, 3, 4, 5])))
    let last = try OneDNNMemoryLayout.channelsLast([2, 3, 4, 5])
    #expect(!last.isPlain)
    #expect(!last.isEqual(to: plain))
    // With one channel or one cell both orders are the same bytes.
    #expect(try OneDNNMemoryLayout.channelsLast([2, 1, 4, 5]).isPlain)
    #expect(try OneDNNMemoryLayout.channelsLast([2, 3, 1, 1]).isPlain)
  }

  @Test func paddedChannelsBecomeZero() throws {
    let layout = try Self.layouts()[0]  // 20 channels in blocks of 8 or 16
    guard layout.byteCount > 4 * layout.extents.product else { return }
    let packed = PackedTensor(layout, [Float](repeating: 1, count: layout.extents.product))
    let all = (0..<layout.byteCount / 4).map {
      packed.pointer.assumingMemoryBound(to: Float.self)[$0]
    }
    #expect(all.reduce(0, +) == Float(layout.extents.product))
  }
}
