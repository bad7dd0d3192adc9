import Testing

struct HingeLossTests {
  // scores  2 0.5 -3   label 0:  1-2 → 0   1+0.5 = 1.5   1-3 → 0
  //         1  -2  0   label 2:  1+1 = 2   1-2 → 0       1-0 = 1
  @Test(arguments: [("L1", Float(4.5 / 2)), ("L2", Float((2.25 + 4 + 1) / 2))])
  func sumsMargins(norm: String, expected: Float) throws {
    let loss = try LayerTestCase(
      norm, #"type: "HingeLoss" hinge_loss_param { norm: \#(norm) }"#, [[2, 3], [2]]
    ).output([[2, 0.5, -3, 1, -2, 0], [0, 2]])
    #expect(loss == [expected])
  }
}
