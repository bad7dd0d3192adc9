import CaffeCore
import CaffeInspect
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// The figures and the table of `caffe-swift summary`.
@Suite struct SummaryTests {
  private func summary(_ text: String, phase: Phase = .train) throws -> NetSummary {
    try NetSummary(
      NetPlan(
        looking: TestNet.parse(text), given: GivenShapes(), context: LayerContext(phase: phase)))
  }

  private func input(_ dimensions: Int..., top: String = "data") -> String {
    let shape = dimensions.map { "dim: \($0)" }.joined(separator: " ")
    return
      #"layer { name: "\#(top)" type: "Input" top: "\#(top)" input_param { shape { \#(shape) } } }"#
      + "\n"
  }

  /// 2 images of 3×8×8, 4 filters of 3×3 in 1 group: 2·4·6·6 sums of 27 products. The two readers of
  /// `c` bring a split, which is not shown; ReLU runs in place.
  @Test func countsOfASmallNet() throws {
    let net = try summary(
      input(2, 3, 8, 8) + """
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
        layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
        layer { name: "n" type: "BatchNorm" bottom: "c" top: "n" }
        layer { name: "i" type: "InnerProduct" bottom: "c" top: "i" param { lr_mult: 0 } inner_product_param { num_output: 5 } }
        """)
    #expect(net.layers.map(\.name) == ["data", "c", "r", "n", "i"])
    #expect(net.layers.map(\.parameters) == [0, 4 * 27 + 4, 0, 4 + 4 + 1, 144 * 5 + 5])
    #expect(net.layers.map(\.multiplyAdds) == [0, 2 * 4 * 36 * 27, 0, 0, 2 * 144 * 5])
    #expect(net.layers.map { $0.tops[0].memory } == [4 * 384, 4 * 288, 0, 4 * 288, 4 * 10])
    #expect(net.totals.fixedParameters == 9 + 720)
    #expect(net.totals.multiplyAdds == 7776 + 1440 && net.totals.parameters == 846)
    #expect(net.lines[0] == "net '', phase TRAIN")
    #expect(
      net.lines[5] == "c      Convolution   c       2×4×6×6         112          7,776  1.15 kB",
      "\(net.lines[5])")
    #expect(net.lines[6].hasSuffix("0              0        -"), "\(net.lines[6])")
  }

  /// Multiply-adds of layers whose weights meet values in other ways than once for each output.
  @Test func countsOfOtherLayers() throws {
    let deconvolution = try summary(
      input(1, 6, 4, 4)
        + #"layer { name: "d" type: "Deconvolution" bottom: "data" top: "d" convolution_param { num_output: 4 kernel_size: 3 group: 2 } }"#
    )
    // Each of 6·4·4 values is spread over 3·3 cells of the 2 channels in its group.
    #expect(deconvolution.layers[1].multiplyAdds == 96 * 9 * 2)
    // 3 steps of 2 streams; 4 sums of each of 7 units from 5 inputs and 7 units.
    let lstm = try summary(
      input(3, 2, 5) + input(3, 2, top: "cont")
        + #"layer { name: "l" type: "LSTM" bottom: "data" bottom: "cont" top: "l" recurrent_param { num_output: 7 } }"#
    )
    #expect(lstm.layers[2].multiplyAdds == 3 * 2 * 28 * (5 + 7))
    // The static input of 4 values counts once for each stream.
    let fixed = try summary(
      input(3, 2, 5) + input(3, 2, top: "cont") + input(2, 4, top: "still")
        + #"layer { name: "l" type: "LSTM" bottom: "data" bottom: "cont" bottom: "still" top: "l" recurrent_param { num_output: 7 } }"#
    )
    #expect(fixed.layers[3].multiplyAdds == 3 * 2 * 28 * (5 + 7) + 2 * 28 * 4)
  }

  @Test func sharedParametersCountOnce() throws {
    let layer =
      #"layer { name: "NAME" type: "InnerProduct" bottom: "data" top: "NAME" param { name: "w" } inner_product_param { num_output: 5 bias_term: false } }"#
    let net = try summary(
      input(2, 3) + layer.replacing("NAME", with: "a") + layer.replacing("NAME", with: "b"))
    #expect(net.layers.map(\.parameters) == [0, 15, 0])
    #expect(net.totals.parameters == 15)
  }

  @Test func dataThatIsNotThereAsksForItsShape() throws {
    let text =
      #"layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "nowhere" batch_size: 4 } }"#
    #expect(refusal { _ = try summary(text) }.hasSuffix("--shape data=64,3,224,224"))
    let plan = try NetPlan(
      looking: TestNet.parse(text), given: GivenShapes(["data=4,1,8,8"]),
      context: LayerContext(phase: .train))
    #expect(try NetSummary(plan).layers[0].tops.map(\.shape) == [[4, 1, 8, 8], [4]])
  }

  @Test(arguments: [
    (0, "0", "0 B"), (999, "999", "999 B"), (1000, "1,000", "1 kB"), (43_210, "43,210", "43.2 kB"),
    (999_499, "999,499", "999 kB"), (999_500, "999,500", "1 MB"),
    (1_234_567_890, "1,234,567,890", "1.23 GB"), (-1234, "-1,234", "-1234 B"),
  ])
  func numbersRead(number: Int, grouped: String, bytes: String) {
    #expect(Quantity.grouped(number) == grouped)
    #expect(Quantity.bytes(number) == bytes)
  }
}
