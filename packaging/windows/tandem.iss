; Inno Setup: installs for the user alone, without a network and without an administrator.
#ifndef Version
  #define Version "0.1.0"
#endif
[Setup]
AppId={{6B1C6C0E-6E0B-4B7E-9E57-7A7D54E3D0A1}
AppName=TandEM
AppVersion={#Version}
AppPublisher=The TandEM developers
DefaultDirName={localappdata}\Programs\TandEM
DefaultGroupName=TandEM
PrivilegesRequired=lowest
OutputDir=..\..\dist
OutputBaseFilename=TandEM-{#Version}-setup
SetupIconFile=tandem.ico
UninstallDisplayIcon={app}\TandEM.exe
LicenseFile=..\..\LICENSE
Compression=lzma2
SolidCompression=yes
ChangesAssociations=yes
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible

[Tasks]
Name: desktopicon; Description: "A shortcut on the desktop"
Name: associate; Description: "Open .nxs sessions with TandEM"

[Files]
Source: "..\..\dist\TandEM\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\TandEM"; Filename: "{app}\TandEM.exe"
Name: "{group}\TandEM demo"; Filename: "{app}\TandEM.exe"; Parameters: "demo"
Name: "{userdesktop}\TandEM"; Filename: "{app}\TandEM.exe"; Tasks: desktopicon

[Registry]
Root: HKCU; Subkey: "Software\Classes\.nxs\OpenWithProgids"; ValueType: string; ValueName: "TandEM.Session"; ValueData: ""; Flags: uninsdeletevalue; Tasks: associate
Root: HKCU; Subkey: "Software\Classes\TandEM.Session"; ValueType: string; ValueData: "TandEM session"; Flags: uninsdeletekey; Tasks: associate
Root: HKCU; Subkey: "Software\Classes\TandEM.Session\DefaultIcon"; ValueType: string; ValueData: "{app}\TandEM.exe,0"; Tasks: associate
Root: HKCU; Subkey: "Software\Classes\TandEM.Session\shell\open\command"; ValueType: string; ValueData: """{app}\TandEM.exe"" ""%1"""; Tasks: associate

[Run]
Filename: "{app}\TandEM.exe"; Parameters: "demo"; Description: "Open the demo experiment"; Flags: postinstall nowait skipifsilent
