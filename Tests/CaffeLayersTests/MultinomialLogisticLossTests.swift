import Foundation
import Testing

struct MultinomialLogisticLossTests {
  // p  0.5 0.25 0.25  label 0 → ln 2       a probability of 0 counts as 1e-20: −ln 1e-20 = 46.0517
  //    1   0    0     label 1 → 46.0517
  @Test func meanOfLogarithms() throws {
    let loss = try LayerTestCase("", #"type: "MultinomialLogisticLoss""#, [[2, 3], [2]])
      .output([[0.5, 0.25, 0.25, 1, 0, 0], [0, 1]])
    #expect(abs(loss[0] - Float((log(2) + 46.0517) / 2)) < 1e-4)
  }
}
