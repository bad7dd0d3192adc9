import CaffeKernels

/// A convolution by its definition, in double precision.
struct NaiveConvolution {
  let geometry: ConvolutionGeometry
  let input: [Float]
  let weights: [Float]

  /// Calls `body` with the flat indices of each output, input and weight that meet.
  private func forEachProduct(_ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void) {
    let g = geometry
    let (perGroupIn, perGroupOut) = (g.inputChannels / g.groups, g.outputChannels / g.groups)
    let outputs = Self.indices(g.output)
    let kernels = Self.indices(g.kernel)
    for n in 0..<g.batch {
      for o in 0..<g.outputChannels {
        for (cell, at) in outputs.enumerated() {
          let output = (n * g.outputChannels + o) * outputs.count + cell
          for i in 0..<perGroupIn {
            let channel = o / perGroupOut * perGroupIn + i
            for (tap, k) in kernels.enumerated() {
              let place = at.indices.map {
                at[$0] * g.stride[$0] - g.pad[$0] + k[$0] * g.dilation[$0]
              }
              guard zip(place, g.input).allSatisfy({ (0..<$1).contains($0) }) else { continue }
              let flat = zip(place, g.input).reduce(0) { $0 * $1.1 + $1.0 }
              body(
                output, (n * g.inputChannels + channel) * g.input.product + flat,
                (o * perGroupIn + i) * kernels.count + tap)
            }
          }
        }
      }
    }
  }

  private static func indices(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { heads, extent in
      heads.flatMap { head in (0..<extent).map { head + [$0] } }
    }
  }

  func output(bias: [Float]?) -> [Double] {
    let cells = geometry.output.product
    var result = (0..<geometry.outputCount).map { index in
      bias.map { Double($0[index / cells % geometry.outputChannels]) } ?? 0
    }
    forEachProduct { result[$0] += Double(input[$1]) * Double(weights[$2]) }
    return result
  }

  func inputGradient(_ outputGradient: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: input.count)
    forEachProduct { result[$1] += Double(outputGradient[$0]) * Double(weights[$2]) }
    return result
  }

  func weightsGradient(_ outputGradient: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: weights.count)
    forEachProduct { result[$2] += Double(outputGradient[$0]) * Double(input[$1]) }
    return result
  }

  func biasGradient(_ outputGradient: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: geometry.outputChannels)
    let cells = geometry.output.product
    for (index, value) in outputGradient.enumerated() {
      result[index / cells % geometry.outputChannels] += Double(value)
    }
    return result
  }
}
