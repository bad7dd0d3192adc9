import CaffeTestSupport
import Foundation
import Testing

/// A job that is run again and again in copies of one folder.
final class FaultTrial {
  let job: FaultTests.Job
  private let template: Workshop
  /// What is there before, and after a run without faults.
  private let before: [String: [UInt8]]
  let reference: [String: [UInt8]]

  init(_ job: FaultTests.Job) throws {
    self.job = job
    template = try Workshop(solver: job.solver)
    try job.prepare(template)
    before = try FaultTrial.contents(template.folder)
    let shop = try template.copy()
    let outcome = try shop.run(job.arguments)
    guard outcome.status == 0 else { throw Mismatch("\(outcome)") }
    reference = try FaultTrial.contents(shop.folder)
  }

  /// All files but those that hold times, and the lock that every reader of an LMDB makes.
  private static func contents(_ folder: TemporaryFolder) throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for name in try folder.names(hidden: true) where !name.contains(/lock\.mdb$|LOG(\.old)?$|log/) {
      let content = (try? folder.read(name)) ?? []
      // A page tells how long things took.
      contents[name] = name.hasSuffix(".html") ? content.suffix(9) : content
    }
    return contents
  }

  func run(_ fault: Fault) throws -> (shop: Workshop, outcome: Outcome, isReached: Bool) {
    let shop = try template.copy()
    let (outcome, isReached) = try fault.run(job.arguments, in: shop.folder)
    return (shop, outcome, isReached)
  }

  /// Lets the first, the second, … such call fail until there are no more.
  ///
  /// - Returns: how many there were.
  func exhaust(_ kind: Fault, judge: (Outcome) throws -> Void = { _ in }) throws -> Int {
    var fault = kind
    // Of hundreds of requests of memory every seventh shows as much.
    let stride = kind.call == "memory" ? 7 : 1
    while true {
      let (shop, outcome, isReached) = try run(fault)
      guard isReached else { return fault.number - 1 }
      try check(outcome, FaultTrial.contents(shop.folder), fault)
      try judge(outcome)
      fault.number += stride
    }
  }

  private func check(_ outcome: Outcome, _ after: [String: [UInt8]], _ fault: Fault) throws {
    let note = "\(job.testDescription), \(fault): \(outcome)"
    // Without memory the run time system and the libraries end the process, as a kill would.
    let isLikeAKill = ["memory", "mmap"].contains(fault.call)
    for (name, content) in after {
      let isTemporary = name.contains(/^\.[^\/]+\.[0-9A-F]{8}(\/|$)|^\.tiny\.lock$/)
      if isLikeAKill && outcome.status != 0 && isTemporary { continue }
      #expect(content == before[name] || content == reference[name], "\(name): \(note)")
    }
    for name in before.keys where after[name] == nil {
      // If neither the state gets its name nor the older weights theirs again, no pair is left.
      let isHalfAPair =
        fault.mode == .onward && fault.call == "rename" && name.contains(".solverstate")
      #expect(isHalfAPair, "\(name) is lost: \(note)")
    }
    for (name, content) in after where name.contains(".solverstate") && content != before[name] {
      #expect(
        after[name.replacing("solverstate", with: "caffemodel")]
          == reference[name.replacing("solverstate", with: "caffemodel")], "\(note)")
    }
    for (name, content) in after where name.contains(".caffemodel") && content != before[name] {
      let state = name.replacing("caffemodel", with: "solverstate")
      guard before[state] != nil, let left = after[state] else { continue }
      #expect(left == reference[state], "weights and state of two runs: \(note)")
    }
    switch outcome.status {
    case 0: #expect(after.keys == reference.keys && after == reference, "\(note)")
    case 1:
      #expect(outcome.complaints.count == 1, "\(note)")
      #expect(outcome.complaints.first?.hasPrefix("caffe-swift: ") == true, "\(note)")
    default:
      let isUpgrade = outcome.status == 2 && job.testDescription.hasPrefix("upgrade")
      #expect(isLikeAKill || isUpgrade, "\(note)")
    }
  }
}

extension Workshop {
  /// The same in a new folder.
  fileprivate func copy() throws -> Workshop {
    let copy = try TemporaryFolder()
    try FileManager.default.removeItem(atPath: copy.path)
    try FileManager.default.copyItem(atPath: folder.path, toPath: copy.path)
    return Workshop(folder: copy)
  }
}
