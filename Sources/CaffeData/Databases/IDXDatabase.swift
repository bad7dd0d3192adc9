import CaffeErrors
import CaffeSchema
import Foundation

/// MNIST's two idx files, plain or gzip-compressed, read as a database without conversion; the files'
/// content is kept in memory, uncompressed.
///
/// Its records are those that `convert-mnist` writes.
package final class IDXDatabase: FixedRecords, @unchecked Sendable {
  /// Reads the images `path` and the labels beside them: of the same name, but with `images` and
  /// `idx3` become `labels` and `idx1`, compressed or not.
  package init(_ path: String) throws {
    let (images, labels) = try MNISTConversion.open(path, Self.labels(of: path))
    super.init(
      path: path, keyDigits: 8,
      extents: DataTransformer.Extents(
        channels: 1, height: images.itemExtents[0], width: images.itemExtents[1]),
      pixels: try images.readAll(), labels: try labels.readAll())
  }

  /// Whether the file's first bytes are those of idx images.
  static func isFound(at path: String) -> Bool {
    !FileBytes.isFolder(path) && (try? IDXFile(path, .images)) != nil
  }

  /// The file of the labels of the images `path`.
  static func labels(of path: String) throws -> String {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent
    guard name.contains("images") else {
      throw CaffeError(
        "the labels are looked for under the images' name with 'labels' for 'images', "
          + "but '\(name)' has no 'images'", places: [path])
    }
    let labels = name.replacingOccurrences(of: "images", with: "labels")
      .replacingOccurrences(of: "idx3", with: "idx1")
    let plain = labels.hasSuffix(".gz") ? String(labels.dropLast(3)) : labels
    let candidates = [labels, plain, plain + ".gz"]
      .map { folder.isEmpty ? $0 : (folder as NSString).appendingPathComponent($0) }
    guard let found = candidates.first(where: FileManager.default.fileExists(atPath:)) else {
      throw CaffeError("the labels \(candidates[0]) are missing", places: [path])
    }
    return found
  }
}
