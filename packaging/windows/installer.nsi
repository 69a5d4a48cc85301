; The installer: for the user alone, without an administrator, without a network. build.py gives
; VERSION, FOUR (for Windows), TREE (the folder to pack), OUT, SIZE_KB, LICENSE, ICON and PACKING (lzma, zlib, none).
; Silent: setup.exe /S [/D=C:\place without quotes, last]     Uninstalling: uninstall.exe /S
Target amd64-unicode
ManifestDPIAware true
!if ${PACKING} == none
  SetCompress off
!else
  SetCompressor /SOLID ${PACKING}
!endif
!if ${PACKING} == lzma
  SetCompressorDictSize 64
!endif
!include MUI2.nsh
!include FileFunc.nsh

Name "TandEM"
OutFile "${OUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\TandEM"
InstallDirRegKey HKCU "Software\TandEM" "Folder"
BrandingText "TandEM ${VERSION}"
VIProductVersion "${FOUR}"
VIAddVersionKey ProductName "TandEM"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Installer of TandEM"
VIAddVersionKey CompanyName "The TandEM developers"
VIAddVersionKey LegalCopyright "GPL-3.0-or-later"

!define GONE "Software\Microsoft\Windows\CurrentVersion\Uninstall\TandEM"
!define KIND "TandEM.Session"
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\TandEM.exe"
!define MUI_FINISHPAGE_RUN_PARAMETERS "demo"
!define MUI_FINISHPAGE_RUN_TEXT "Open the demo experiment"
!insertmacro MUI_PAGE_LICENSE "${LICENSE}"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; A program that runs keeps its file: nothing is replaced under it.
!macro NotWhileRunning NAME
  IfFileExists "$INSTDIR\${NAME}" 0 +8
    ClearErrors
    FileOpen $0 "$INSTDIR\${NAME}" a
    IfErrors 0 +4
      MessageBox MB_ICONSTOP|MB_OK "TandEM is running. Close it (and end recordings), then try again." /SD IDOK
      SetErrorLevel 5
      Quit
    FileClose $0
!macroend

; The folders are ours alone; what a person has put beside them stays.
!macro RemoveProgram
  RMDir /r "$INSTDIR\runtime"
  RMDir /r "$INSTDIR\app"
  RMDir /r "$INSTDIR\site-packages"
  RMDir /r "$INSTDIR\bin"
  Delete "$INSTDIR\TandEM.exe"
  Delete "$INSTDIR\LICENSE.txt"
  Delete "$INSTDIR\THIRD_PARTY.txt"
  Delete "$INSTDIR\SBOM.json"
  Delete "$INSTDIR\uninstall.exe"
!macroend

!macro TellExplorer
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
!macroend

Section
  SetShellVarContext current
  !insertmacro NotWhileRunning "TandEM.exe"
  !insertmacro NotWhileRunning "bin\tandem.exe"
  !insertmacro NotWhileRunning "runtime\tandem-python.exe"
  !insertmacro RemoveProgram
  SetOutPath "$INSTDIR"
  File /r "${TREE}\*"
  WriteUninstaller "$INSTDIR\uninstall.exe"

  CreateDirectory "$SMPROGRAMS\TandEM"
  CreateShortcut "$SMPROGRAMS\TandEM\TandEM.lnk" "$INSTDIR\TandEM.exe"
  CreateShortcut "$SMPROGRAMS\TandEM\TandEM demo.lnk" "$INSTDIR\TandEM.exe" "demo"

  WriteRegStr HKCU "Software\TandEM" "Folder" "$INSTDIR"
  WriteRegStr HKCU "Software\Classes\${KIND}" "" "TandEM session"
  WriteRegStr HKCU "Software\Classes\${KIND}\DefaultIcon" "" "$INSTDIR\TandEM.exe,0"
  WriteRegStr HKCU "Software\Classes\${KIND}\shell\open\command" "" '"$INSTDIR\TandEM.exe" "%1"'
  WriteRegStr HKCU "Software\Classes\.nxs\OpenWithProgids" "${KIND}" ""
  ReadRegStr $0 HKCR ".nxs" ""
  StrCmp $0 "" 0 +2 ; only where nobody else opens NeXus files
    WriteRegStr HKCU "Software\Classes\.nxs" "" "${KIND}"

  WriteRegStr HKCU "${GONE}" "DisplayName" "TandEM"
  WriteRegStr HKCU "${GONE}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${GONE}" "DisplayIcon" "$INSTDIR\TandEM.exe"
  WriteRegStr HKCU "${GONE}" "Publisher" "The TandEM developers"
  WriteRegStr HKCU "${GONE}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${GONE}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${GONE}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${GONE}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKCU "${GONE}" "NoModify" 1
  WriteRegDWORD HKCU "${GONE}" "NoRepair" 1
  !insertmacro TellExplorer
  ; what would be compiled at the first click is compiled now, in the background
  Exec '"$INSTDIR\runtime\tandem-python.exe" -m tandem_em --compile-kernels all'
SectionEnd

Section "Uninstall"
  SetShellVarContext current
  !insertmacro NotWhileRunning "TandEM.exe"
  !insertmacro NotWhileRunning "bin\tandem.exe"
  !insertmacro NotWhileRunning "runtime\tandem-python.exe"
  !insertmacro RemoveProgram
  RMDir "$INSTDIR" ; only when nothing else lies there
  Delete "$SMPROGRAMS\TandEM\TandEM.lnk"
  Delete "$SMPROGRAMS\TandEM\TandEM demo.lnk"
  RMDir "$SMPROGRAMS\TandEM"
  RMDir /r "$LOCALAPPDATA\TandEM\kernels" ; compiled again at any time; sessions, settings and recovery files stay
  ReadRegStr $0 HKCU "Software\Classes\.nxs" ""
  StrCmp $0 "${KIND}" 0 +2 ; somebody else's by now: left alone
    DeleteRegValue HKCU "Software\Classes\.nxs" ""
  DeleteRegValue HKCU "Software\Classes\.nxs\OpenWithProgids" "${KIND}"
  DeleteRegKey /ifempty HKCU "Software\Classes\.nxs\OpenWithProgids"
  DeleteRegKey /ifempty HKCU "Software\Classes\.nxs"
  DeleteRegKey HKCU "Software\Classes\${KIND}"
  DeleteRegKey HKCU "Software\TandEM"
  DeleteRegKey HKCU "${GONE}"
  !insertmacro TellExplorer
SectionEnd
