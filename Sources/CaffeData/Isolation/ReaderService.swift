import CaffeErrors
import Foundation
import Glibc

/// What a reader process does: it answers requests about one file at a time, one after the other, until the
/// process that started it closes the socket or is no more.
final class ReaderService {
  let channel: ReaderChannel
  var hdf5: HDF5File?
  var datasets: [Int: HDF5Dataset] = [:]
  var database: (any RecordDatabase)?
  /// How many bytes a record of `database` has at most.
  var largestRecord = 0
  var cursors: [Int: ServedCursor] = [:]
  private var lastHandle = 0

  static func run() -> Never {
    var kind: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(ReaderChild.descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 else {
      StandardError.write("caffe-swift: only caffe-swift itself starts itself in this way\n")
      _exit(64)
    }
    // Whatever the other process had open is not this one's to keep open.
    closefrom(ReaderChild.descriptor + 1)
    let channel = ReaderChannel(ReaderChild.descriptor)
    // A library that goes round in circles would never notice.
    Thread.detachNewThread {
      ReaderChannel(dup(ReaderChild.descriptor)).waitForTheEnd()
      _exit(0)
    }
    // As in the program that asks: a file too large is an error like others.
    signal(SIGXFSZ, SIG_IGN)
    ReaderLimits.prepare()
    let service = ReaderService(channel)
    while true { service.serve() }
  }

  private init(_ channel: ReaderChannel) { self.channel = channel }

  /// Answers the next request. Whatever goes wrong on the way ends the process, which tells the other one.
  private func serve() {
    do {
      let header = try channel.receiveHeader()
      var message = try channel.receiveMessage(header, limit: .max)
      guard let request = ReaderRequest(rawValue: header.kind) else { _exit(70) }
      ReaderLimits.begin(cost: header.cost)
      defer { ReaderLimits.end() }
      do {
        guard let answer = try answer(request, &message) else { return }
        // It may be long before the other process takes it.
        ReaderLimits.end()
        try channel.send(ReaderReply.answer.rawValue, answer)
      } catch let error as CaffeError {
        var refusal = ReaderMessage()
        refusal.put(error.message)
        refusal.put(error.places)
        try channel.send(ReaderReply.refusal.rawValue, refusal)
      }
    } catch {
      _exit(0)
    }
  }

  /// - Returns: nil if the answer has been sent already.
  private func answer(
    _ request: ReaderRequest, _ message: inout ReaderMessage
  ) throws -> ReaderMessage? {
    switch request {
    case .openHDF5, .exists, .children, .isGroup, .text, .openDataset, .readValues:
      return try answerHDF5(request, &message)
    case .openLMDB, .openLevelDB, .countRecords, .openCursor, .nextRecords, .seek, .recordsAt:
      return try answerRecords(request, &message)
    case .drop:
      let handle = try message.number()
      datasets[handle] = nil
      cursors[handle] = nil
    case .close:
      datasets = [:]
      cursors = [:]
      hdf5 = nil
      database = nil
    }
    return ReaderMessage()
  }

  func newHandle() -> Int {
    lastHandle += 1
    return lastHandle
  }
}
