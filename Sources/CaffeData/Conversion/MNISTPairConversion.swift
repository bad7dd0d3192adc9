import CaffeErrors
import CaffeSchema
import Foundation

/// Makes a database of random pairs of MNIST-like images, as Caffe's tool `convert_mnist_siamese_data`
/// does: as many pairs as images, under the keys `00000000`, `00000001`…, each a Datum of
/// 2 × rows × columns bytes, labelled 1 if both images have the same label and 0 if not.
///
/// Source: BVLC Caffe, `convert_mnist_siamese_data.cpp`; there every run draws other pairs.
package enum MNISTPairConversion {
  /// Writes the database `path`, which must not exist, in full or not at all.
  ///
  /// - Parameters:
  ///   - seed: which pairs; the same number gives the same.
  ///   - progress: called with the number of pairs done, after each.
  /// - Returns: the number of pairs.
  @discardableResult
  package static func convert(
    images imagesPath: String, labels labelsPath: String, to path: String,
    as backend: WritableDatabase = .leveldb, seed: UInt64 = 1, progress: (Int) -> Void = { _ in }
  ) throws -> Int {
    let (images, labels) = try MNISTConversion.open(imagesPath, labelsPath)
    let (count, size) = (images.count, images.itemSize)
    let (pixels, classes) = (try images.readAll(), try labels.readAll())
    let random = CounterRandom(seed: seed)
    try backend.create(path) { writer in
      var datum = Datum()
      datum.channels = 2
      datum.height = images.itemExtents[0]
      datum.width = images.itemExtents[1]
      for pair in 0..<count {
        let first = random.number(UInt64(2 * pair), below: count)
        let second = random.number(UInt64(2 * pair + 1), below: count)
        datum.data = [first, second].flatMap { pixels[$0 * size..<($0 + 1) * size] }
        datum.label = classes[first] == classes[second] ? 1 : 0
        try writer.put(key: String(format: "%08d", pair), value: datum.binary())
        progress(pair + 1)
      }
    }
    return count
  }
}
