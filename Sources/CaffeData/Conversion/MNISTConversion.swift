import CaffeErrors
import CaffeSchema
import Foundation

/// Makes a database of MNIST-like files, as Caffe's tool `convert_mnist_data` does: keys `00000000`,
/// `00000001`…, each value a Datum of 1 × rows × columns bytes and its label.
///
/// Source: BVLC Caffe, `convert_mnist_data.cpp`.
package enum MNISTConversion {
  /// Writes the database `path`, which must not exist, in full or not at all. Reads item by item, so
  /// the memory needed does not depend on the files' size.
  ///
  /// - Parameter progress: called with the number of items done, after each.
  /// - Returns: the number of items.
  @discardableResult
  package static func convert(
    images imagesPath: String, labels labelsPath: String, to path: String,
    as backend: WritableDatabase = .lmdb, progress: (Int) -> Void = { _ in }
  ) throws -> Int {
    let (images, labels) = try open(imagesPath, labelsPath)
    try backend.create(path) { writer in
      var datum = Datum()
      datum.channels = 1
      datum.height = images.itemExtents[0]
      datum.width = images.itemExtents[1]
      var pixels = [UInt8](repeating: 0, count: images.itemSize)
      var label = [UInt8](repeating: 0, count: 1)
      while try pixels.withUnsafeMutableBufferPointer({ try images.next(into: $0) }) {
        guard try label.withUnsafeMutableBufferPointer({ try labels.next(into: $0) }) else { break }
        datum.data = pixels
        datum.label = Int(label[0])
        try writer.put(key: String(format: "%08d", writer.count), value: datum.binary())
        progress(writer.count)
      }
      // The labels must end here as well.
      _ = try label.withUnsafeMutableBufferPointer { try labels.next(into: $0) }
    }
    return images.count
  }

  /// - Parameter labelsPath: asked for once the images are open.
  /// - Throws: unless there are as many labels as images, and any.
  static func open(
    _ imagesPath: String, _ labelsPath: @autoclosure () throws -> String
  ) throws -> (images: IDXFile, labels: IDXFile) {
    let images = try IDXFile(imagesPath, .images)
    let labels = try IDXFile(labelsPath(), .labels)
    guard images.count == labels.count else {
      throw CaffeError(
        "\(images.path) has \(images.count) images, but \(labels.path) has \(labels.count) labels")
    }
    guard images.count > 0 else { throw CaffeError("there are no images", places: [images.path]) }
    return (images, labels)
  }
}
