import CaffeFuzzFormats
import CaffeTestSupport
import Foundation
import Testing

/// Damaged files of every format we read: read or refused in one line, never a crash. What libFuzzer
/// finds beyond this (`scripts/fuzz`) becomes a test of its own beside its reader.
///
/// `CAFFE_SWIFT_DAMAGES=100000` says how many times each format is damaged.
@Suite struct DamageTests {
  init() { BuiltProgram.readsFiles() }

  /// Whether a file is read, or refused in a sentence.
  func isHandled(_ bytes: [UInt8], _ format: FileFormat, _ how: @autoclosure () -> String) -> Bool {
    guard case .mishandled(let what) = format.verdict(on: bytes) else { return true }
    Issue.record("\(format), \(how()): \(what)")
    return false
  }

  @Test(arguments: FileFormat.all)
  func seedsAreSound(format: FileFormat) throws {
    let seeds = try format.seeds()
    #expect(!seeds.isEmpty)
    for seed in seeds { #expect(format.verdict(on: seed) == .read) }
  }

  /// Every length of small files, and a thousand of large ones.
  @Test(arguments: FileFormat.all)
  func cutAnywhere(format: FileFormat) throws {
    for seed in try format.seeds() {
      for length in stride(from: 0, to: seed.count, by: max(1, seed.count / 1000)) {
        let part = Array(seed[..<length])
        guard isHandled(part, format, "\(length) of \(seed.count) bytes") else { return }
      }
    }
  }

  @Test(arguments: FileFormat.all)
  func damagedAnywhere(format: FileFormat) throws {
    let seeds = try format.seeds()
    // Opening a database makes a folder and files.
    let wanted = ProcessInfo.processInfo.environment["CAFFE_SWIFT_DAMAGES"].flatMap { Int($0) }
    let rounds = wanted ?? (format.name.hasPrefix("leveldb") ? 300 : 3000)
    var damage = Damage(seed: 7)
    for round in 0..<rounds {
      let seed = seeds[round % seeds.count]
      guard isHandled(damage.apply(to: seed), format, "round \(round)") else { return }
      // Who has read or refused it is none the worse for it.
      guard round % 20 > 0 || format.verdict(on: seed) == .read else {
        Issue.record("\(format): the seed after round \(round)")
        return
      }
    }
  }
}
