/// The chances one item takes: whether it is mirrored, where it is cropped, how it is augmented.
/// Random numbers that depend on seed, pass and item alone, so that neither threads nor resuming
/// change them.
package struct TransformDraw: Sendable {
  /// What each number of the item's stream is for.
  enum Use: UInt64 {
    case mirror, cropRow, cropColumn
    case area, aspect, partRow, partColumn, angle
    case brightness, contrast, saturation
    case cutoutRow, cutoutColumn
  }

  private let random: CounterRandom

  /// The draw of an item of the batch that forward pass `pass` takes.
  package init(seed: UInt64, pass: Int, item: Int) {
    random = CounterRandom(seed: seed).branch(UInt64(pass)).branch(UInt64(item))
  }

  var isMirrored: Bool { number(.mirror, below: 2) == 1 }

  /// Where a crop begins that may begin at `0...slack`.
  func rowOffset(slack: Int) -> Int { number(.cropRow, below: slack + 1) }
  func columnOffset(slack: Int) -> Int { number(.cropColumn, below: slack + 1) }

  func number(_ use: Use, below bound: Int) -> Int { random.number(use.rawValue, below: bound) }

  func number(_ use: Use, in range: ClosedRange<Float>) -> Float {
    random.number(use.rawValue, in: range)
  }
}
