import Foundation

/// Files and folders that are not complete yet, or only for this process's own use. Their names tell the
/// process, so that later ones can remove what a killed one left.
package enum TemporaryFiles {
  private static let paths = Locked<Set<String>>([])

  /// A new name in `folder`, `.<name>.<machine>.<process>.<random>`, to be given up by `remove` or
  /// `forget`.
  static func path(for name: String, in folder: String) -> String {
    let random = UUID().uuidString.prefix(8)
    let path = "\(folder)/.\(name).\(Host.name).\(getpid()).\(random)"
    paths.withLock { _ = $0.insert(path) }
    return path
  }

  /// Removes what is there, if anything is. A library that still has a folder open may add to it
  /// meanwhile, so that takes more than one go.
  static func remove(_ path: String) {
    for _ in 0..<10 where unlink(path) != 0 && errno != ENOENT {
      try? FileManager.default.removeItem(atPath: path)
    }
    forget(path)
  }

  /// It has got another name.
  static func forget(_ path: String) {
    paths.withLock { _ = $0.remove(path) }
  }

  /// Makes a file in `folder` and removes it again.
  ///
  /// - Throws: the system's reason why that cannot be.
  package static func probe(_ folder: String) throws {
    removeLeftovers(of: "caffe-swift", in: folder)
    let path = path(for: "caffe-swift", in: folder)
    defer { remove(path) }
    _ = try SystemFile(creating: path)
  }

  /// Removes all that this process has not given up yet: it is about to end.
  package static func removeAll() {
    for path in paths.withLock({ $0 }) { remove(path) }
  }

  /// Removes from a folder what processes that are no more have made there for `name`, or for every
  /// name that begins so.
  ///
  /// Processes of other machines that share the folder cannot be asked: theirs stays.
  package static func removeLeftovers(
    of name: String, in folder: String, orLongerNames: Bool = false
  ) {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for file in files where file.hasPrefix("." + name) {
      let rest = file.dropFirst(name.count + 1)
      guard let end = rest.range(of: ".\(Host.name).", options: .backwards),
        orLongerNames || end.lowerBound == rest.startIndex
      else { continue }
      let fields = rest[end.upperBound...].split(separator: ".")
      guard fields.count == 2, let process = pid_t(fields[0]), process > 0 else { continue }
      guard kill(process, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: "\(folder)/\(file)")
    }
  }
}
