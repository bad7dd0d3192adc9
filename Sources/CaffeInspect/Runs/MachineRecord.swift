import CaffeData
import CaffeErrors
import CaffeKernels
import Foundation

/// Where and how a run was started: a run folder's `machine.json`. The names are part of the format.
package struct MachineRecord: Codable, Equatable, Sendable {
  package var program: String
  package var arguments: [String]
  /// The folder that relative paths of the run are relative to.
  package var folder: String
  /// ISO 8601.
  package var started: String
  package var host: String
  package var system: String
  package var processor: String
  package var processors: Int
  package var threads: Int
  package var instructionSet: String
  package var memoryMb: Int

  /// This process, now.
  package init(program: String, arguments: [String]) {
    let process = ProcessInfo.processInfo
    self.program = program
    self.arguments = arguments
    folder = FileManager.default.currentDirectoryPath
    started = Date().ISO8601Format()
    host = Host.name
    system = process.operatingSystemVersionString
    processor = Host.processor ?? "unknown"
    processors = process.activeProcessorCount
    threads = Threads.count
    instructionSet = InstructionSet.current.rawValue
    memoryMb = Int(process.physicalMemory >> 20)
  }
}
