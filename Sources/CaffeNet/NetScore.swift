import CaffeCore
import CaffeErrors

/// Means over batches of the objective and of every output value of a net.
public struct Means {
  private var weight = 0.0
  private var lossSum = 0.0
  private var sums: [Double] = []

  public init() {}

  /// - Parameter weight: what the batch counts, such as how many items it has.
  public mutating func add(loss: Float, _ values: [Float], weight: Int = 1) {
    self.weight += Double(weight)
    lossSum += Double(loss) * Double(weight)
    let values = values.map { Double($0) * Double(weight) }
    sums = sums.isEmpty ? values : zip(sums, values).map(+)
  }

  public var loss: Float { Float(lossSum / weight) }
  public var values: [Float] { sums.map { Float($0 / weight) } }
}

extension Net {
  /// One entry for each value of each output, as logs number them.
  public var outputLines: [NetOutput] {
    outputs.flatMap { output in Array(repeating: output, count: output.blob.count) }
  }

  /// What the outputs hold, a value for each of `outputLines`.
  public var outputValues: [Float] { outputs.flatMap(\.blob.data.values) }
}

extension NetOutput {
  /// `loss = 0.21 (* 1 = 0.21 loss)`, or without the bracket if it is no loss.
  public func text(_ value: Float) -> String {
    let plain = "\(blob.name) = \(Text.number(value))"
    guard lossWeight != 0 else { return plain }
    return plain + " (* \(Text.number(lossWeight)) = \(Text.number(lossWeight * value)) loss)"
  }
}
