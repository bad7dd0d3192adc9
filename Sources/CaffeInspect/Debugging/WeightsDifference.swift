import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema

/// How two weight files differ, blob by blob.
package struct WeightsDifference {
  package struct Blob: Equatable {
    package let layer: String
    /// The number of the blob within its layer.
    package let index: Int
    package let difference: Difference

    package init(layer: String, index: Int, difference: Difference) {
      self.layer = layer
      self.index = index
      self.difference = difference
    }
  }

  package enum Difference: Equatable {
    case same
    /// The largest difference; that over the largest value of both blobs; how many values differ.
    case values(largest: Double, relative: Double, count: Int, of: Int)
    case shapes([Int], [Int])
    /// Only the first file, or only the second, has the blob.
    case onlyFirst, onlySecond
  }

  /// In the order of the first file, then what only the second has.
  package private(set) var blobs: [Blob] = []

  /// - Parameter tolerance: differences up to this count as none.
  package init(_ first: Weights, _ second: Weights, tolerance: Double = 0) {
    let (firstKeys, secondKeys) = (Self.keys(first), Self.keys(second))
    let firsts = Dictionary(uniqueKeysWithValues: zip(firstKeys, first.layers.map(\.blobs)))
    let seconds = Dictionary(uniqueKeysWithValues: zip(secondKeys, second.layers.map(\.blobs)))
    for key in firstKeys + secondKeys.filter({ firsts[$0] == nil }) {
      let (a, b) = (firsts[key] ?? [], seconds[key] ?? [])
      for index in 0..<max(a.count, b.count) {
        let pair = (index < a.count ? a[index] : nil, index < b.count ? b[index] : nil)
        guard let difference = Self.compare(pair.0, pair.1, tolerance) else { continue }
        blobs.append(Blob(layer: key.name, index: index, difference: difference))
      }
    }
  }

  package var isSame: Bool { blobs.allSatisfy { $0.difference == .same } }

  /// A layer's name, and which of the layers of that name it is.
  private struct Key: Hashable {
    let name: String
    let number: Int
  }

  private static func keys(_ weights: Weights) -> [Key] {
    var counts: [String: Int] = [:]
    return weights.layers.map { layer in
      counts[layer.name, default: 0] += 1
      return Key(name: layer.name, number: counts[layer.name, default: 0])
    }
  }

  /// Four extents of an old file are any shape that a net takes them for.
  private static func isSameShape(_ a: BlobProto, _ b: BlobProto) -> Bool {
    func fits(_ blob: BlobProto, _ other: BlobProto) -> Bool {
      guard let shape = try? Shape(other.extents) else { return false }
      return blob.fits(shape)
    }
    return a.extents == b.extents || fits(a, b) || fits(b, a)
  }

  /// - Returns: `nil` where neither file has a blob.
  private static func compare(
    _ a: BlobProto?, _ b: BlobProto?, _ tolerance: Double
  ) -> Difference? {
    guard let a else { return b == nil ? nil : .onlySecond }
    guard let b else { return .onlyFirst }
    guard isSameShape(a, b), a.values.count == b.values.count else {
      return .shapes(a.extents, b.extents)
    }
    var (largest, scale, count) = (0.0, 0.0, 0)
    for (x, y) in zip(a.values, b.values) where x != y && !(x.isNaN && y.isNaN) {
      let distance = abs(Double(x) - Double(y))
      // What is no number differs from every number.
      guard !(distance <= tolerance) else { continue }
      count += 1
      largest = max(largest, distance.isNaN ? .infinity : distance)
    }
    guard count > 0 else { return .same }
    for value in a.values + b.values where value.isFinite { scale = max(scale, abs(Double(value))) }
    return .values(
      largest: largest, relative: scale > 0 ? largest / scale : .infinity, count: count,
      of: a.values.count)
  }
}

extension WeightsDifference.Difference: CustomStringConvertible {
  package var description: String {
    switch self {
    case .same: "same"
    case .values(let largest, let relative, let count, let all):
      "differs by up to \(Text.number(largest)) (\(Text.number(relative)) of the largest value), \(Quantity.grouped(count)) of \(Quantity.grouped(all)) values"
    case .shapes(let a, let b): "has shape \(Quantity.shape(a)) and \(Quantity.shape(b))"
    case .onlyFirst: "is in the first file only"
    case .onlySecond: "is in the second file only"
    }
  }
}
