import Testing

struct EuclideanLossTests {
  //  a = 1 2   b = 0 2   differences 1 0, squared sum 1 + 0 + 4 + 9 = 14
  //      3 4       1 1               2 3   14 / (2 · 2) = 3.5
  @Test func halfTheMeanSquaredDistance() throws {
    let loss = try LayerTestCase("euclidean", #"type: "EuclideanLoss""#, [[2, 2], [2, 2]])
      .output([[1, 2, 3, 4], [0, 2, 1, 1]])
    #expect(loss == [3.5])
  }
}
