"""Objects and CSV files of a bill, changed as trees and bytewise, and what must hold whatever they are."""
