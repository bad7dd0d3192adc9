import CaffeCore
import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema

/// What a trained classifier does to its test set.
package struct Evaluation: Sendable {
  /// An item that was taken for another class than its own.
  package struct Mistake: Sendable {
    /// The item's number in the test set, from 0.
    package let item: Int
    package let label: Int
    package let guess: Int
    /// How probable the net held the class it is of, and the one it was taken for.
    package let labelProbability: Double
    package let guessProbability: Double
    /// What the net saw; nil if that is no picture.
    package let picture: Image?
  }

  /// How many mistakes are kept.
  private static let mostMistakes = 24

  /// The file of the weights.
  package private(set) var weights: String
  package private(set) var confusion: Confusion
  /// Those whose own class was held least probable, worst first.
  package private(set) var mistakes: [Mistake] = []
  /// Labels that count nowhere (`ignore_label`).
  package private(set) var ignored = 0

  private var items = 0

  /// Runs a net of the phase TEST over its test set.
  ///
  /// - Parameters:
  ///   - weights: the file that the net's weights are from.
  ///   - passes: how many batches; nil for all records once, or, where no layer counts them, for
  ///     `otherwise`.
  ///   - progress: is told after each pass how many were made, of how many.
  /// - Throws: a net that compares no scores with labels; what the net throws.
  package init(
    of net: Net, weights: String, passes: Int?, otherwise: Int,
    progress: (_ done: Int, _ of: Int) -> Void
  ) throws {
    let head = try ClassifierHead(of: net)
    self.weights = weights
    let pictures = net.pictures
    confusion = Confusion(classes: head.extents.classes)
    let coverage = passes == nil ? try net.coverage() : nil
    let count = passes ?? coverage?.passes ?? otherwise
    _ = try net.score(
      passes: count, covering: coverage,
      each: { pass, _ in
        try add(head, pictures)
        progress(pass + 1, count)
      })
  }

  private mutating func add(_ head: ClassifierHead, _ pictures: Blob?) throws {
    let extents = head.extents
    let (scores, labels) = (head.scores.data.values, head.labels.data.values)
    let seen = pictures.flatMap { $0.shape[0] == extents.positions ? $0 : nil }
    let pixels = seen?.data.values ?? []
    for position in 0..<extents.positions {
      let label = Int(labels[position])
      guard label != head.ignored else {
        ignored += 1
        continue
      }
      let probabilities = ClassProbabilities.of(extents.scores(at: position, of: scores))
      let guess = probabilities.firstIndex(of: probabilities.max() ?? 0) ?? 0
      confusion.add(label: label, guess: guess)
      guard guess != label, isAmongWorst(probabilities[label]) else { continue }
      let mistake = Mistake(
        item: items + position, label: label, guess: guess,
        labelProbability: probabilities[label], guessProbability: probabilities[guess],
        picture: try seen.map { try Self.picture(position, of: pixels, $0.pictureExtents) })
      keep(mistake)
    }
    items += extents.positions
  }

  private func isAmongWorst(_ probability: Double) -> Bool {
    mistakes.count < Self.mostMistakes
      || probability < mistakes[mistakes.count - 1].labelProbability
  }

  private mutating func keep(_ mistake: Mistake) {
    let place =
      mistakes.firstIndex { mistake.labelProbability < $0.labelProbability } ?? mistakes.count
    mistakes.insert(mistake, at: place)
    if mistakes.count > Self.mostMistakes { mistakes.removeLast() }
  }

  private static func picture(
    _ item: Int, of pixels: [Float], _ extents: DataTransformer.Extents
  ) throws -> Image {
    let values = Array(pixels[item * extents.count..<(item + 1) * extents.count])
    return try ContactSheet.make(values, count: 1, extents, columns: 1, gap: 0)
  }
}

/// Where a net compares scores with labels.
private struct ClassifierHead {
  let scores: Blob
  let labels: Blob
  /// The label that counts nowhere.
  let ignored: Int?
  private let axis: Int

  /// The last layer Accuracy, or else the last loss of a classifier: of nets with several heads the
  /// main one comes last.
  init(of net: Net) throws {
    guard
      let layer = net.layers.last(where: { $0.type == "Accuracy" })
        ?? net.layers.last(where: { $0.type == "SoftmaxWithLoss" })
    else {
      throw CaffeError(
        "the test net compares no scores of classes with labels: it has no layer Accuracy or SoftmaxWithLoss"
      )
    }
    (scores, labels) = (layer.bottom[0], layer.bottom[1])
    let (accuracy, loss) = (layer.parameter.accuracyParam, layer.parameter.lossParam)
    if layer.type == "Accuracy" {
      axis = accuracy.axis
      ignored = accuracy.hasIgnoreLabel ? accuracy.ignoreLabel : nil
    } else {
      axis = layer.parameter.softmaxParam.axis
      ignored = loss.hasIgnoreLabel ? loss.ignoreLabel : nil
    }
  }

  struct Extents {
    let classes: Int
    /// How many labels there are.
    let positions: Int
    /// Values from one class to the next.
    let stride: Int

    func scores(at position: Int, of values: [Float]) -> [Float] {
      let first = position / stride * classes * stride + position % stride
      return (0..<classes).map { values[first + $0 * stride] }
    }
  }

  /// Of the present batch.
  var extents: Extents {
    let axis = axis < 0 ? axis + scores.shape.axes : axis
    let (classes, stride) = (scores.shape[axis], scores.shape.count(from: axis + 1))
    return Extents(
      classes: classes, positions: scores.count / max(1, classes), stride: stride)
  }
}
