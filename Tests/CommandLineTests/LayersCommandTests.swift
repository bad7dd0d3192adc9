import Testing

struct LayersCommandTests {
  @Test func listsOneTypeOnEachLine() throws {
    let result = try Run.once("layers")
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(result.lines == result.lines.sorted() && Set(result.lines).count == result.lines.count)
    #expect(result.lines.contains("Pooling") && result.lines.contains("LSTM"))
    #expect(try Run.once("layers", "--summary").lines.count == result.lines.count)
  }

  @Test func describesAType() throws {
    let result = try Run.once("layers", "ContrastiveLoss")
    #expect(result.status == 0)
    #expect(
      result.output == """
        ContrastiveLoss: Draws similar pairs of vectors together and others apart, up to a margin
          loss = sum(y d^2 + (1 - y) max(margin - d, 0)^2) / 2n, d = |a - b|
        bottoms: 3
        tops: 1 (a loss: loss_weight is 1 unless set)
        contrastive_loss_param (ContrastiveLossParameter):
          margin           float = 1
          legacy_version   bool = false
        source: BVLC Caffe, contrastive_loss_layer.cpp

        """)
    let pooling = try Run.once("layers", "Pooling").output
    // What has no default of its own shows none.
    #expect(pooling.contains("  kernel_size      uint32\n"))
    #expect(pooling.contains("PoolingParameter.PoolMethod = MAX (MAX, AVE, STOCHASTIC"))
  }

  @Test func refusesUnknownTypes() throws {
    let result = try Run.once("layers", "Poling")
    #expect(result.status == 1 && result.output.isEmpty)
    #expect(
      result.errors == "caffe-swift: Unknown layer type: Poling; did you mean \"Pooling\"?\n")
  }
}
