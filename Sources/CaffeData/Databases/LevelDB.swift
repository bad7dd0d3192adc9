import CLevelDB
import CaffeErrors
import Foundation

/// The one door to LevelDB's errors.
enum LevelDB {
  typealias ErrorSlot = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  static var outOfMemory: CaffeError { CaffeError("LevelDB: out of memory") }

  /// Makes a call of LevelDB that may report an error; throws what failed and LevelDB's reason.
  ///
  /// - Parameter folder: where the files are, which the reason need not repeat: the user knows them
  ///   by another folder.
  static func attempt<Result>(
    _ failed: String, in folder: String, _ call: (ErrorSlot) -> Result
  ) throws -> Result {
    var message: UnsafeMutablePointer<CChar>?
    let result = call(&message)
    guard let message else { return result }
    defer { leveldb_free(message) }
    let reason = String(cString: message).replacingOccurrences(of: folder + "/", with: "")
      .replacingOccurrences(of: folder, with: "the folder")
    throw CaffeError("\(failed): \(reason)")
  }
}
